//! How alike two weights are.

use crate::constants::{newer, Dtype, Metric, Unequal};
use crate::error::{call, Error, Result};
use crate::handle::{init, text};
use crate::{callback, Context, Element, Layers, TensorRef};
use layerfuse_sys::*;
use std::marker::PhantomData;
use std::os::raw::c_void;

/// A matrix that a callback is shown.
pub struct MatrixView<'r> {
    raw: lfuse_matrix_view,
    _shown: PhantomData<&'r [u8]>,
}

impl<'r> MatrixView<'r> {
    /// # Safety
    /// The view is the library's, and lives for `'r`.
    pub(crate) unsafe fn from_raw(raw: *const lfuse_matrix_view) -> MatrixView<'r> {
        // SAFETY: as promised.
        MatrixView { raw: unsafe { *raw }, _shown: PhantomData }
    }

    /// How many rows it has: output units.
    pub fn rows(&self) -> usize {
        self.raw.rows as usize
    }

    /// How many columns: inputs of a unit.
    pub fn columns(&self) -> usize {
        self.raw.columns as usize
    }

    /// The type of its elements.
    pub fn dtype(&self) -> Dtype {
        Dtype::from_raw(self.raw.dtype).unwrap_or_default()
    }

    /// An element, where the matrix is of this type and has this row and column.
    pub fn get<T: Element>(&self, row: usize, column: usize) -> Option<T> {
        if self.raw.dtype != T::DTYPE as i32 || row >= self.rows() || column >= self.columns() {
            return None;
        }
        let at = row as i64 * self.raw.row_stride + column as i64 * self.raw.column_stride;
        // SAFETY: the library shows matrices with elements at all of these places, aligned.
        Some(unsafe { *(self.raw.data as *const T).offset(at as isize) })
    }
}

type Custom<'a> =
    dyn Fn(&MatrixView, &MatrixView) -> std::result::Result<f64, i32> + Send + Sync + 'a;
type Failed<'a> =
    dyn Fn(usize, usize, &Error) -> std::result::Result<(), i32> + Send + Sync + 'a;

/// Which metric, and its numbers; 0 means their defaults (similarity.h).
#[derive(Default)]
#[allow(missing_docs)]
pub struct SimilarityOptions<'a> {
    pub metric: Metric,
    pub block: i64,
    pub output_axis: i32,
    pub ridge: f64,
    pub bandwidth: f64,
    pub exponent: f64,
    pub regularisation: f64,
    pub projections: i64,
    pub centroids: i64,
    pub iterations: i64,
    pub seed: u64,
    pub max_bytes: usize,
    pub unequal: Unequal,
    /// Rows of weights become exp(x) / sum exp(x).
    pub softmax_rows: bool,
    /// The metric custom is greater where more alike.
    pub custom_similarity: bool,
    /// The metric custom of b and a is that of a and b.
    pub custom_symmetric: bool,
    /// The metric custom.
    pub custom: Option<Box<Custom<'a>>>,
    /// Of a matrix: told the pairs that fail; Ok goes on to the next.
    pub failed: Option<Box<Failed<'a>>>,
}

impl<'a> SimilarityOptions<'a> {
    /// All defaults but the metric.
    pub fn metric(metric: Metric) -> SimilarityOptions<'a> {
        SimilarityOptions { metric, ..Default::default() }
    }

    /// What C takes, as long as self stays where it is.
    pub(crate) fn raw(&self) -> lfuse_similarity_options {
        let mut raw = init(lfuse_similarity_options_init);
        raw.metric = self.metric as i32;
        raw.block = self.block;
        raw.output_axis = self.output_axis;
        raw.ridge = self.ridge;
        raw.bandwidth = self.bandwidth;
        raw.exponent = self.exponent;
        raw.regularisation = self.regularisation;
        raw.projections = self.projections;
        raw.centroids = self.centroids;
        raw.iterations = self.iterations;
        raw.seed = self.seed;
        raw.max_bytes = self.max_bytes;
        raw.unequal = self.unequal as i32;
        let flags = [
            (self.softmax_rows, LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS),
            (self.custom_similarity, LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY),
            (self.custom_symmetric, LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC),
        ];
        raw.flags = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).sum();
        if let Some(closure) = &self.custom {
            raw.custom = Some(custom);
            raw.custom_user = closure as *const Box<Custom<'a>> as *mut c_void;
        }
        if let Some(closure) = &self.failed {
            raw.failed = Some(failed);
            raw.failed_user = closure as *const Box<Failed<'a>> as *mut c_void;
        }
        raw
    }
}

unsafe extern "C" fn custom(
    user: *mut c_void,
    a: *const lfuse_matrix_view,
    b: *const lfuse_matrix_view,
    out: *mut f64,
) -> i32 {
    callback::guard(|| {
        // SAFETY: user is that of raw(), the views live for the call.
        unsafe {
            let closure = &*(user as *const Box<Custom>);
            *out = closure(&MatrixView::from_raw(a), &MatrixView::from_raw(b))?;
        }
        Ok(())
    })
}

unsafe extern "C" fn failed(
    user: *mut c_void,
    i: i64,
    j: i64,
    error: *const lfuse_error,
) -> i32 {
    callback::guard(|| {
        // SAFETY: user is that of raw(), the error lives for the call.
        let (closure, error) = unsafe { (&*(user as *const Box<Failed>), &*error) };
        closure(i as usize, j as usize, &Error::from_raw(error))
    })
}

/// How alike two tensors are, by the metric of the options.
pub fn similarity(
    context: &Context,
    a: &TensorRef,
    b: &TensorRef,
    options: &SimilarityOptions,
) -> Result<f64> {
    let (options, mut out) = (options.raw(), 0.0);
    // SAFETY: everything lives for the call.
    call(|err| unsafe {
        lfuse_similarity(context.raw(), a.raw(), b.raw(), &options, &mut out, err)
    })?;
    Ok(out)
}

/// Which row of b each row of a is matched with, if any, and the value of that, whatever the
/// options' metric.
pub fn similarity_assignment(
    context: &Context,
    a: &TensorRef,
    b: &TensorRef,
    options: &SimilarityOptions,
) -> Result<(Vec<Option<usize>>, f64)> {
    let axis = options.output_axis.max(0) as usize;
    let rows = a.dims().get(axis).copied().unwrap_or(0);
    let (mut options, mut out, mut rows) = (options.raw(), 0.0, vec![-1i64; rows]);
    options.metric = LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT;
    // SAFETY: rows has room for the rows of a; an axis that a lacks is refused.
    call(|err| unsafe {
        let assignment = rows.as_mut_ptr();
        lfuse_similarity_assignment(
            context.raw(),
            a.raw(),
            b.raw(),
            &options,
            assignment,
            &mut out,
            err,
        )
    })?;
    Ok((rows.into_iter().map(|row| usize::try_from(row).ok()).collect(), out))
}

/// All pairs of layers of one param type: a matrix, by rows. With `failed` what could not be
/// compared is NaN.
pub fn similarity_matrix(
    context: &Context,
    layers: &Layers,
    options: &SimilarityOptions,
) -> Result<Vec<f64>> {
    let (pointers, count) = layers.raw();
    let (options, mut out) = (options.raw(), vec![f64::NAN; layers.len() * layers.len()]);
    // SAFETY: room for all pairs; layers are read.
    call(|err| unsafe {
        let pointers = pointers.as_ptr() as *const *const lfuse_layer;
        lfuse_similarity_matrix(context.raw(), pointers, count, &options, out.as_mut_ptr(), err)
    })?;
    Ok(out)
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricInfo {
    /// Its name, such as "euclidean".
    pub name: &'static str,
    /// The time of one comparison, such as "n p".
    pub cost: &'static str,
    /// Smaller is more alike.
    pub is_distance: bool,
    /// The order of the two does not matter.
    pub is_symmetric: bool,
    /// The numbers of output units must agree.
    pub needs_equal_rows: bool,
    /// The numbers of inputs of a unit must agree.
    pub needs_equal_columns: bool,
}

impl Metric {
    /// What it is; of custom, without flags.
    pub fn info(self) -> Result<MetricInfo> {
        let mut raw = init(lfuse_metric_properties_init);
        // SAFETY: room for the answer, whose strings are constants of the library.
        call(|err| unsafe { lfuse_metric_info(self as i32, &mut raw, err) })?;
        let (name, cost) = unsafe { (text(raw.name), text(raw.cost)) };
        Ok(MetricInfo {
            name: name.ok_or_else(|| newer("metric"))?,
            cost: cost.unwrap_or(""),
            is_distance: raw.is_distance != 0,
            is_symmetric: raw.is_symmetric != 0,
            needs_equal_rows: raw.needs_equal_rows != 0,
            needs_equal_columns: raw.needs_equal_columns != 0,
        })
    }
}
