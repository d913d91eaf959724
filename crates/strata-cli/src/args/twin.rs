//! Options of `twin`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `twin`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Twin {
    /// Only this platform; without it, both.
    #[arg(value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// Make it a cluster of this many members.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) members: Option<u8>,
    /// Keep the models in this folder, and go on from what is there.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
}

/// What there is a model of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Platform {
    /// Incus.
    Incus,
    /// Proxmox VE.
    Proxmox,
}
