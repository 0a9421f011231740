# SPDX-License-Identifier: GPL-2.0
"""The demo's story, told by the client: makes the events happen, one after the other,
and measures what comes of them. Exits with 1 if something was not as CARP says.

A line that begins with "@" is for the script on the host, which alone can kill and
start machines.
"""

import os
import sys
import time
import urllib.request

from asker import Asker
from gateways import Gateway
from report import Handover, TimeLine, paint, paragraph, table
from segment import Segment

ADVBASE, ADVSKEW = 1, {"rachael": 0, "pris": 100}
# Of a quiet machine; a busy one is given more, but less than half of what
# distinguishes the two hosts' time-outs.
TOLERANCE, TOLERANCE_MAX = 0.050, 0.190
# What part of the requests may be lost while nothing happens.
LOSABLE = 0.01

SHARED, RATE = os.environ["SHARED"], int(os.environ["RATE"])
CONTROL = int(os.environ["CONTROL"])


class Wrong(Exception):
    """Something did not happen."""


def wait(what, condition, timeout=10.0):
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise Wrong(f"waited {timeout:.0f} s in vain: {what}")
        time.sleep(0.02)
    return result


def page():
    """The shared address's web page."""
    with urllib.request.urlopen(f"http://{SHARED}/", timeout=5) as answer:
        return answer.read().decode().strip()


class Story:
    def __init__(self):
        self.line = TimeLine()
        self.rachael = Gateway("rachael", os.environ["RACHAEL"], CONTROL)
        self.pris = Gateway("pris", os.environ["PRIS"], CONTROL)
        self.segment = Segment(["eth0", "eth1"])
        self.asker = Asker(SHARED, RATE)
        self.handovers = []

    def do(self, gateway, command):
        self.line.command(gateway.name, command)
        gateway.run(command)

    def say_state(self, gateway, wanted, when=None, more=""):
        state, reason = gateway.group()
        if state != wanted:
            raise Wrong(f"{gateway.name} is {state} ({reason}), not {wanted}")
        self.line.event(gateway.name, f"is {state}: {reason}{more}", when)

    def say_page(self):
        self.line.event("client", f"gets http://{SHARED}/, which says: {page()}")

    def quiet(self, seconds):
        """A while in which nothing may change, for the requests and the clock's noise."""
        server = self.asker.server
        time.sleep(seconds)
        if self.asker.server != server:
            raise Wrong(f"{self.asker.server} answers instead of {server}, and nobody asked for it")

    def handover(self, event, old, new, make_it_happen, theory, losable):
        """Makes `new` the MASTER instead of `old`, and measures it."""
        begin = time.time()
        make_it_happen()
        first = wait(f"{new.name} advertises", lambda: self.segment.from_host(new.address, begin))[0]
        # What the old one said while the new one already spoke does not count.
        last = [a for a in self.segment.advertisements if a.source == old.address and a.time < first.time][-1]
        gap = first.time - last.time
        what = "bow-out" if last.is_bow_out else "last advertisement"
        self.say_state(new, "MASTER", first.time, f", {gap:.3f} s after {old.name}'s {what}")
        wait(f"{new.name} answers", lambda: self.asker.server == new.name)
        answered = self.asker.answers[-1][0]
        # A request is given up after a second.
        time.sleep(1.5)
        lost = self.asker.lost_since(begin)
        self.line.event("client", f"is answered by {new.name}; {lost} lost requests", answered)
        self.say_page()
        self.handovers.append(Handover(event, new.name, theory, gap, losable, lost))

    def come_up(self, gateway, master):
        """Takes carp0 up, which changes nothing, because the other one is MASTER."""
        begin = time.time()
        self.do(gateway, "ip link set carp0 up")
        # Longer than the time-out of either.
        self.quiet(4.0)
        self.say_state(gateway, "BACKUP", more=f"; {master.name} stays MASTER, "
                                               f"{self.asker.lost_since(begin)} requests lost")

    def tell(self):
        rachael, pris = self.rachael, self.pris
        for gateway in rachael, pris:
            wait(f"{gateway.name} starts", lambda g=gateway: g.is_up, 120.0)
            skew = f" advskew {ADVSKEW[gateway.name]}" if ADVSKEW[gateway.name] else ""
            print(f"{gateway.name + '#':9} ip link add carp0 type carp vhid 1 pass tyrell{skew}\n"
                  f"{gateway.name + '#':9} ip addr add {SHARED} dev carp0")
        self.asker.start()
        self.line = TimeLine()
        silence = {name: 3 * ADVBASE + skew / 256 for name, skew in ADVSKEW.items()}

        self.line.heading("Start: nobody is MASTER, so the fittest will be")
        begin = time.time()
        self.do(rachael, "ip link set carp0 up")
        self.do(pris, "ip link set carp0 up")
        first = wait("rachael advertises", lambda: self.segment.from_host(rachael.address, begin))[0]
        self.say_state(rachael, "MASTER", first.time)
        wait("rachael answers", lambda: self.asker.server == "rachael")
        self.line.event("client", "is answered by rachael", self.asker.answers[-1][0])
        self.say_page()
        self.quiet(3.0)
        self.say_state(pris, "BACKUP")

        self.line.heading("rachael dies without a word")

        def kill():
            print("@kill rachael")
            self.line.event("rachael", "is killed (SIGKILL for her virtual machine)", colour="red")
        self.handover("rachael is killed", rachael, pris, kill, silence["pris"], silence["pris"])

        self.line.heading("rachael returns; without preempt, who is MASTER stays it")
        print("@start rachael")
        self.line.event("rachael", "is switched on")
        wait("rachael starts", lambda: rachael.is_up, 120.0)
        self.come_up(rachael, pris)

        self.line.heading("With preempt, the fittest is MASTER: at pris's next advertisement")
        self.handover("rachael preempts", pris, rachael,
                      lambda: self.do(rachael, "sysctl -w net.inet.carp.preempt=1"), 0.0, 0.0)
        self.quiet(3.0)
        self.say_state(pris, "BACKUP")

        self.line.heading("rachael is taken down politely, and bows out")
        self.handover("rachael bows out", rachael, pris,
                      lambda: self.do(rachael, "ip link set carp0 down"), 0.0, 0.0)
        self.do(rachael, "sysctl -w net.inet.carp.preempt=0")
        self.come_up(rachael, pris)

        self.line.heading("pris is taken down politely, and bows out")
        self.handover("pris bows out", pris, rachael,
                      lambda: self.do(pris, "ip link set carp0 down"), 0.0, 0.0)
        self.quiet(2.0)

    def note(self):
        """Leaves all that was measured in the host's directory of logs."""
        for a in sorted(self.segment.advertisements, key=lambda a: a.time):
            print(f"@note {a.time:.6f} {a.source} advbase {a.advbase} advskew {a.advskew}")
        for name, moments in (("answers", self.asker.answers), ("lost", self.asker.losses)):
            for moment in moments:
                print(f"@note {name} {moment}")

    def judge(self):
        """Prints what was measured, and says whether it is right."""
        noise, count = self.segment.noise()
        busy = 2 * noise > TOLERANCE_MAX
        tolerance = min(max(TOLERANCE, 2 * noise), TOLERANCE_MAX)
        in_handovers = sum(handover.lost for handover in self.handovers)
        # Before the first answer there was no MASTER to lose them.
        elsewhere = self.asker.lost_since(self.asker.answers[0][0]) - in_handovers
        good = table(self.handovers, tolerance, RATE, not busy)
        paragraph(f"""Theory: a BACKUP waits 3*advbase + advskew/256 s from the last advertisement
            that it heard; a bow-out, or a preemptor, hands over at once. Measured by the client's
            kernel, on its switch, from the last advertisement of the old MASTER to the first one
            of the new.""")
        paragraph(f"""The machines are emulated and share this host's processors: {count}
            undisturbed intervals between advertisements were wrong by up to {noise * 1000:.1f} ms,
            so errors of {tolerance * 1000:.0f} ms pass, and as many requests.""")
        if busy:
            paragraph(f"""This host is too busy for {RATE} requests a second, so what was lost of
            them is not judged, only the advertisements are: better try again when it is idle.""")
        elif elsewhere > LOSABLE * self.asker.asked:
            good = False
        paragraph(f"{self.asker.asked} requests; {in_handovers} lost in handovers, "
                  f"{elsewhere} while nothing happened.")
        return good


def main():
    print(f"{'kernel':9} {os.uname().release}, of Debian, unmodified\n"
          f"{'rachael':9} {os.environ['RACHAEL']}, advskew {ADVSKEW['rachael']}\n"
          f"{'pris':9} {os.environ['PRIS']}, advskew {ADVSKEW['pris']}\n"
          f"{'client':9} asks {SHARED}, which they share, {RATE} times a second\n")
    story = Story()
    try:
        story.tell()
    except (Wrong, RuntimeError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        story.note()
        return 1
    good = story.judge()
    story.note()
    for gateway in story.rachael, story.pris:
        gateway.end()
    print(paint("green", "All is as it should be.") if good else paint("red", "Something is wrong."))
    return 0 if good else 1


sys.exit(main())
