//! One suite that both implementations of the port pass.
