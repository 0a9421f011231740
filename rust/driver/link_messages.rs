// SPDX-License-Identifier: GPL-2.0

//! Telling rtnetlink's listeners (`ip monitor link`) of each change of a group's state.
//!
//! The core tells them of carrier, but only of how it is when the core gets to it, and
//! nothing of INIT. So a work of the namespace sends a message for each change, with
//! the state as it was then, in process context with the RTNL. Whoever changes the state
//! only notes it and queues the work.

use super::{
    link::Carp,
    network, //
};
use crate::net::{
    link_device::Device,
    netdevice::NetDevice,
    pernet::{
        Founding,
        Home, //
    },
    rtnl::Rtnl,
    workqueue::{
        self,
        Pause,
        Queue,
        Task,
        Work, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    }, //
};

/// Where the works of all namespaces are done, after those that keep routes.
static QUEUE: Queue = Queue::ordinary(c"carp_links");

/// Opens the queue, before the first namespace has a work. Process context.
pub(crate) fn open_queue() -> Result<workqueue::Open> {
    QUEUE.open()
}

/// What tells the listeners of one namespace.
pub(crate) struct Announcer {
    home: Home,
}

impl Announcer {
    /// The announcer of a namespace, with its work.
    pub(super) fn new(founding: &Founding<'_>) -> impl PinInit<Work<Self>, Error> {
        let home = founding.home();
        Work::new(&QUEUE, Ok(Self { home }))
    }

    /// The groups with something to tell.
    fn waiting(&self) -> Result<KVec<ARef<Device<Carp>>>> {
        let mut groups = KVec::new();
        let mut found = Ok(());
        let _ = NetDevice::find(&self.home, &Rtnl::lock(), |device| -> Option<()> {
            let group = Device::<Carp>::downcast(device)?;
            if group.private().unshown.load(Relaxed) {
                found = found.and(groups.push(ARef::from(group), GFP_KERNEL));
            }
            None
        });
        found?;
        Ok(groups)
    }
}

impl Task for Announcer {
    fn run(&self) -> Option<Pause> {
        let Ok(groups) = self.waiting() else {
            return Some(Pause(100));
        };
        for group in &groups {
            // Others who want the RTNL get it between two groups.
            show(group, &Rtnl::lock());
        }
        None
    }
}

/// Sends the messages of one group.
fn show(device: &Device<Carp>, rtnl: &Rtnl) {
    loop {
        {
            let mut machine = device.private().machine.lock();
            // Answers are given with the RTNL held: nobody else sees this.
            machine.shown = machine.news.next_link();
            if machine.shown.is_none() {
                device.private().unshown.store(false, Relaxed);
                return;
            }
        }
        if !device.is_unregistering(rtnl) {
            device.notify_information(rtnl);
        }
    }
}

/// The state of a group changed. Any context.
pub(super) fn state_changed(device: &Device<Carp>) {
    network::with_links(device.namespace(), Work::queue);
}
