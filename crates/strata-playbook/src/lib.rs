//! `strata-playbook`.
