//! The moments of a pull at which tests end the process.

/// A pull has come so far. With the feature `failpoints`, and where `FAILPOINTS` names the stage with the action `return`,
/// the process ends here, as if somebody had pulled the plug.
pub(crate) fn reached(stage: &'static str) {
    #[cfg(feature = "failpoints")]
    fail::fail_point!(stage, |_| std::process::abort());
    #[cfg(not(feature = "failpoints"))]
    let _ = stage;
}
