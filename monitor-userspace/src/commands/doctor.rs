//! `agentsnoop doctor`.
