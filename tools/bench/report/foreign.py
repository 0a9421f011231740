# SPDX-License-Identifier: GPL-2.0
"""What a frame costs more that is for no group.

Constant: the receiver's own tables are larger with 255 groups, which have an address
each, and the way through them is longer or shorter by some instructions for whatever
frame. That much is allowed.
"""

from statistics import median

from measured import distinct, select
from row import OURS, Row

TITLE = "What a frame costs more that is not for a group (compared with no group on the interface)"
LESS_THAN, DIFFERENCE = 50, 20
# It is known only from its target that such a request is for nobody here. That it is constant
# can be asked, too.
ASKS = ("ARP for another", "solicitation of another")


def rows(found):
    for what in distinct(found, "what"):
        def costs(groups):
            return [median(kernel for kernel, _ in one["steps"]) for one in select(found, what=what, groups=groups)]

        # Of each repeat, with the same hosts.
        one, many = ([with_them - none for with_them, none in zip(costs(groups), costs(0))] for groups in (1, 255))
        for number, more in ((1, one), (255, many)):
            row = Row(what, f"{OURS}, {number} group{'s' if number > 1 else ''}", more, "instructions")
            constant = abs(median(many) - median(one)) <= DIFFERENCE
            if what in ASKS:
                row.target, row.met = "constant", constant
                row.note = "its target has to be looked up"
            else:
                row.target, row.met = f"< {LESS_THAN}, constant", constant and row.value < LESS_THAN
            yield row
