//! Where a curve of quality against compression bends.

use crate::error::{call, Error, Result, Status};
use crate::handle::init;
use layerfuse_sys::*;

/// Two straight lines that meet, fitted to points by least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inflection {
    /// Where they meet.
    pub x: f64,
    /// There.
    pub y: f64,
    /// Where else they may meet, at 95 % confidence: from here
    pub x_low: f64,
    /// to here.
    pub x_high: f64,
    /// y per x, left of x.
    pub slope_before: f64,
    /// And right of it.
    pub slope_after: f64,
    /// Root of the mean square of what the lines leave.
    pub residual: f64,
    /// The same of one straight line.
    pub line_residual: f64,
}

/// The point past which y falls off, and how sure that is; x ascends.
pub fn inflection(x: &[f64], y: &[f64]) -> Result<Inflection> {
    if x.len() != y.len() {
        return Err(Error::new(Status::SHAPE, format!("{} x for {} y", x.len(), y.len())));
    }
    let (mut raw, count) = (init(lfuse_inflection_init), x.len() as i64);
    // SAFETY: as many points as both have.
    call(|err| unsafe {
        lfuse_curve_inflection(x.as_ptr(), y.as_ptr(), count, &mut raw, err)
    })?;
    Ok(Inflection {
        x: raw.x,
        y: raw.y,
        x_low: raw.x_low,
        x_high: raw.x_high,
        slope_before: raw.slope_before,
        slope_after: raw.slope_after,
        residual: raw.residual,
        line_residual: raw.line_residual,
    })
}
