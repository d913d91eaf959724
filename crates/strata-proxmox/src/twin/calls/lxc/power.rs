//! Containers switched on and off: unlike machines, a wrong state is refused at once.

use super::super::{
    super::{
        answer::{Answered, Started, fail},
        call::Call,
        store::{Kind, Store, no_guest},
    },
    qemu::power::{switch_off, switch_on},
};

pub(super) fn answer(store: &mut Store, call: &Call, path: &str) -> Option<Answered> {
    let action = path.strip_prefix("/{vmid}/status/")?;
    if call.method.verb != "POST" {
        return None;
    }
    Some(match action {
        "start" => start(store, call),
        "stop" => running(store, call, "vzstop", "CT", |store, id| {
            switch_off(store, id)
        }),
        "shutdown" => running(store, call, "vzshutdown", "CT", |store, id| {
            switch_off(store, id)
        }),
        "reboot" => running(store, call, "vzreboot", "VM", |store, id| {
            switch_off(store, id);
            switch_on(store, id);
        }),
        "suspend" => suspend(store, call),
        "resume" => start(store, call),
        _ => return None,
    })
}

fn suspend(store: &mut Store, call: &Call) -> Answered {
    let id = call.vmid();
    if !store.guest(Kind::Lxc, call.node(), id)?.running {
        return fail(format!("CT {id} not running"));
    }
    Started::answer("vzsuspend", call.node(), id, move |store, _| {
        match store.can("cgroups") {
            true => Ok(()),
            false => Err(format!(
                "command 'lxc-checkpoint -n {id} -s -D /var/lib/vz/dump' failed: exit code 1"
            )),
        }
    })
}

fn start(store: &mut Store, call: &Call) -> Answered {
    let (id, node) = (call.vmid(), call.node().to_owned());
    if store
        .guest(Kind::Lxc, &node, id)
        .is_ok_and(|guest| guest.running)
    {
        return fail(format!("CT {id} already running"));
    }
    Started::answer("vzstart", &node.clone(), id, move |store, _| {
        let guest = store
            .guest(Kind::Lxc, &node, id)
            .map_err(|_| no_guest(Kind::Lxc, &node, id))?;
        if guest.is_template() {
            return Err("you can't start a CT if it's a template".to_owned());
        }
        if let Some(lock) = guest.lock() {
            return Err(format!("CT is locked ({lock})"));
        }
        let root = guest.coming().get("rootfs").cloned().unwrap_or_default();
        let rest = root.split_once(':').map_or("", |(_, rest)| rest);
        switch_on(store, id);
        if rest.chars().all(|c| c.is_ascii_digit()) {
            switch_off(store, id);
            return Err(format!("unable to parse directory volume name '{rest}'"));
        }
        Ok(())
    })
}

fn running(
    store: &mut Store,
    call: &Call,
    kind: &'static str,
    short: &str,
    work: impl FnOnce(&mut Store, u32) + Send + 'static,
) -> Answered {
    let (id, node) = (call.vmid(), call.node().to_owned());
    if !store.guest(Kind::Lxc, &node, id)?.running {
        return fail(format!("{short} {id} not running"));
    }
    Started::answer(kind, &node.clone(), id, move |store, _| {
        let guest = store
            .guests
            .get(&id)
            .ok_or_else(|| no_guest(Kind::Lxc, &node, id))?;
        if let Some(lock) = guest.lock() {
            return Err(format!("CT is locked ({lock})"));
        }
        work(store, id);
        Ok(())
    })
}
