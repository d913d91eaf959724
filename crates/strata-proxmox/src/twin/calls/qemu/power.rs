//! Machines switched on and off.

use super::super::super::{
    answer::{Answered, Started, fail},
    call::Call,
    store::{Kind, Store, no_guest},
};

pub(super) fn answer(store: &mut Store, call: &Call, path: &str) -> Option<Answered> {
    let action = path.strip_prefix("/{vmid}/status/")?;
    if call.method.verb != "POST" {
        return None;
    }
    Some(match action {
        "start" => start(store, call),
        "stop" => stop(store, call),
        "shutdown" => shutdown(store, call),
        "reboot" => reboot(store, call),
        "reset" => running(store, call, "qmreset", |_, _| Ok(())),
        "suspend" if call.flag("todisk") => running(store, call, "qmsuspend", |store, id| {
            if !store.can("savevm") {
                set_lock(store, id, Some("suspending"));
                return Err(format!(
                    "VM {id} qmp command 'savevm-start' failed - The command savevm-start has not been found"
                ));
            }
            switch_off(store, id);
            set_lock(store, id, Some("suspended"));
            Ok(())
        }),
        "suspend" => running(store, call, "qmpause", |store, id| {
            pause(store, id, true);
            Ok(())
        }),
        "resume" => running(store, call, "qmresume", |store, id| {
            pause(store, id, false);
            Ok(())
        }),
        _ => return None,
    })
}

fn pause(store: &mut Store, id: u32, paused: bool) {
    if let Some(guest) = store.guests.get_mut(&id) {
        guest.paused = paused;
    }
}

fn set_lock(store: &mut Store, id: u32, lock: Option<&str>) {
    if let Some(guest) = store.guests.get_mut(&id) {
        match lock {
            Some(lock) => guest.config.insert("lock".to_owned(), lock.to_owned()),
            None => guest.config.remove("lock"),
        };
    }
}

/// True if the guest is in the care of the HA manager, which then acts by itself.
fn managed(store: &Store, id: u32) -> bool {
    store
        .objects
        .get("ha-resource")
        .is_some_and(|all| all.contains_key(&format!("vm:{id}")))
}

fn start(store: &mut Store, call: &Call) -> Answered {
    let (id, node) = (call.vmid(), call.node().to_owned());
    if managed(store, id) && store.guests.contains_key(&id) {
        return Started::answer("hastart", &node, id, move |store, log| {
            log.push(format!("Requesting HA start for VM {id}"));
            // The manager comes round later; in a model it has come at once where guests live.
            if store.guests_answer {
                switch_on(store, id);
            }
            Ok(())
        });
    }
    Started::answer("qmstart", &node.clone(), id, move |store, _| {
        let guest = store
            .guest(Kind::Qemu, &node, id)
            .map_err(|_| no_guest(Kind::Qemu, &node, id))?;
        if guest.is_template() {
            return Err("you can't start a vm if it's a template".to_owned());
        }
        match guest.lock() {
            Some("suspended") => set_lock(store, id, None),
            Some(lock) => return Err(format!("VM is locked ({lock})")),
            None if guest.running => return Err(format!("VM {id} already running")),
            None => {}
        }
        switch_on(store, id);
        Ok(())
    })
}

/// Switches a guest on; what waited for that takes effect.
pub(in super::super) fn switch_on(store: &mut Store, id: u32) {
    settle(store, id);
    let now = store.now();
    if let Some(guest) = store.guests.get_mut(&id) {
        guest.running = true;
        guest.paused = false;
        guest.since = now;
        guest.on_drive = guest.config.clone();
    }
}

pub(in super::super) fn switch_off(store: &mut Store, id: u32) {
    if let Some(guest) = store.guests.get_mut(&id) {
        guest.running = false;
        guest.paused = false;
    }
    settle(store, id);
}

/// Makes what is pending real.
fn settle(store: &mut Store, id: u32) {
    let Some(guest) = store.guests.get_mut(&id) else {
        return;
    };
    let kind = guest.kind;
    for (name, value) in std::mem::take(&mut guest.pending) {
        match (value, kind) {
            (Some(text), Kind::Qemu) => super::config::put(store, id, &name, text),
            (Some(text), Kind::Lxc) => {
                if let Some(guest) = store.guests.get_mut(&id) {
                    guest.config.insert(name, text);
                }
            }
            (None, Kind::Qemu) => super::config::detach(store, id, &name, false),
            (None, Kind::Lxc) => super::super::lxc::detach(store, id, &name),
        }
    }
}

fn stop(store: &mut Store, call: &Call) -> Answered {
    let (id, node) = (call.vmid(), call.node().to_owned());
    if managed(store, id) && store.guests.contains_key(&id) {
        return Started::answer("hastop", &node, id, move |store, log| {
            log.push(format!("Requesting HA stop for VM {id}"));
            if store.guests_answer {
                switch_off(store, id);
            }
            Ok(())
        });
    }
    Started::answer("qmstop", &node.clone(), id, move |store, _| {
        let guest = store
            .guest(Kind::Qemu, &node, id)
            .map_err(|_| no_guest(Kind::Qemu, &node, id))?;
        if !guest.running {
            return Ok(());
        }
        if let Some(lock) = guest.lock() {
            return Err(format!("VM is locked ({lock})"));
        }
        switch_off(store, id);
        Ok(())
    })
}

fn shutdown(store: &mut Store, call: &Call) -> Answered {
    let (id, node) = (call.vmid(), call.node().to_owned());
    let force = call.flag("forceStop");
    if managed(store, id) && store.guests.contains_key(&id) {
        return stop(store, call);
    }
    Started::answer("qmshutdown", &node.clone(), id, move |store, log| {
        let guest = store
            .guest(Kind::Qemu, &node, id)
            .map_err(|_| no_guest(Kind::Qemu, &node, id))?;
        if !guest.running {
            return Ok(());
        }
        if let Some(lock) = guest.lock() {
            return Err(format!("VM is locked ({lock})"));
        }
        if store.guests_answer || guest.paused {
            switch_off(store, id);
            return Ok(());
        }
        if force {
            log.push("VM still running - terminating now with SIGTERM".to_owned());
            switch_off(store, id);
            return Ok(());
        }
        let agent = guest.config.get("agent").map_or("", String::as_str);
        if super::agent::is_on(agent) {
            log.push(format!("QEMU Guest Agent is not running - VM {id} qga command 'guest-ping' failed - got timeout"));
        }
        Err("VM quit/powerdown failed - got timeout".to_owned())
    })
}

fn reboot(store: &mut Store, call: &Call) -> Answered {
    running(store, call, "qmreboot", |store, id| {
        if !store.guests_answer {
            return Err("VM quit/powerdown failed - got timeout".to_owned());
        }
        switch_off(store, id);
        switch_on(store, id);
        Ok(())
    })
}

fn running(
    store: &mut Store,
    call: &Call,
    kind: &'static str,
    work: impl FnOnce(&mut Store, u32) -> Result<(), String> + Send + 'static,
) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Qemu, call.node(), id)?;
    if !guest.running {
        return fail(format!("VM {id} not running"));
    }
    Started::answer(kind, call.node(), id, move |store, _| work(store, id))
}
