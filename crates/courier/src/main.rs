//! Courier: managed file transfer in one binary.

fn main() {}
