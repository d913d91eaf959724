//! A host with another processor than ours: the agent for it is pushed, and runs (as QEMU runs it).
//!
//! Builds bring that agent when they are asked to (`STRATA_AGENTS=all`, as CI does), and releases where they can; it is run
//! only where it was asked for, which needs `qemu-user-static`.

use std::sync::Arc;

use serde_json::json;
use strata_agent::protocol::Task;
use strata_core::BoxFuture;
use strata_core::connection::{Channel, Connection, ConnectionError};
use strata_transport::{AgentSession, agent_for, local};

/// This machine, where shells take it for one with another processor.
struct Foreign {
    processor: &'static str,
    here: Arc<dyn Connection>,
}

impl Connection for Foreign {
    fn describe(&self) -> String {
        self.processor.to_owned()
    }

    fn ready<'a>(
        &'a self,
        progress: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        self.here.ready(progress)
    }

    fn start<'a>(&'a self, argv: &'a [String]) -> BoxFuture<'a, Result<Channel, ConnectionError>> {
        Box::pin(async move {
            let emulator = format!("qemu-{}-static", self.processor);
            let argv = argv.iter().map(|part| {
                part.replace("$(uname -m)", self.processor)
                    .replace("exec \"$f\"", &format!("exec {emulator} \"$f\""))
            });
            self.here.start(&argv.collect::<Vec<_>>()).await
        })
    }

    fn upload<'a>(
        &'a self,
        path: &'a str,
        mode: u32,
        content: &'a [u8],
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        self.here.upload(path, mode, content)
    }
}

#[tokio::test]
async fn a_host_with_another_processor_gets_its_own_agent() {
    let processor = match std::env::consts::ARCH {
        "aarch64" => "x86_64",
        _ => "aarch64",
    };
    let is_asked_for = option_env!("STRATA_AGENTS") == Some("all");
    let Some(agent) = agent_for(processor) else {
        assert!(!is_asked_for, "there is no agent for {processor}");
        return;
    };
    // An ELF header names the processor: 62 is x86-64, 183 aarch64.
    let machine = if processor == "aarch64" { 183 } else { 62 };
    assert_eq!(agent[18], machine);
    if !is_asked_for {
        return;
    }

    let here = local();
    let session = AgentSession::new(Arc::new(Foreign { processor, here }));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let write = |check| Task {
        module: "copy".to_owned(),
        args: json!({ "dest": path, "content": "text\n", "mode": "0640" })
            .as_object()
            .cloned()
            .unwrap_or_default(),
        check,
        ..Task::default()
    };
    for (check, changed) in [(true, true), (false, true), (false, false)] {
        let result = session.run(write(check), None, None).await.unwrap();
        assert!(!result.failed, "{:?}", result.values);
        assert_eq!(result.changed, changed, "{:?}", result.values);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "text\n");
    session.close().await;
}
