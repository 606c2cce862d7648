//! Who did it: processes, their trees, and the agents at their roots.
