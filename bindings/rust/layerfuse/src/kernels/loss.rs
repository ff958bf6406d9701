//! What a network is trained to make small.

use super::{holds, read, read_or_null, write_or_null};
use crate::error::{call, Result};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// A mean loss, in nats, and how many rows were right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// The mean over the batch.
    pub mean: f64,
    /// Rows whose first greatest logit is the label's.
    pub correct: i64,
}

fn shape(logits: &[f32], labels: &[i32]) -> [i64; 2] {
    let batch = labels.len() as i64;
    [batch, logits.len() as i64 / batch.max(1)]
}

/// The mean of -ln softmax(logits)[label], and its gradient: logits are (labels, classes).
pub fn softmax_cross_entropy(
    context: &Context,
    logits: &[f32],
    labels: &[i32],
    dlogits: Option<&mut [f32]>,
) -> Result<Loss> {
    let mut args = init(lfuse_cross_entropy_args_init);
    let (shape, mut mean, mut correct) = (shape(logits, labels), 0.0, 0);
    args.logits = read("logits", logits, &shape)?;
    args.labels = labels.as_ptr();
    args.dlogits = write_or_null("dlogits", dlogits, &shape)?;
    [args.batch, args.classes] = shape;
    (args.loss, args.correct) = (&mut mean, &mut correct);
    // SAFETY: arrays have the elements of their shapes, here and below.
    call(|err| unsafe { lfuse_softmax_cross_entropy(context.raw(), &args, err) })?;
    Ok(Loss { mean, correct })
}

/// How much a teacher's answers count beside labels (loss.h); 0 means the defaults there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Distillation {
    pub temperature: f64,
    pub weight: f64,
    pub smoothing: f64,
}

impl Distillation {
    /// Labels and a teacher's logits, weighed, and the gradient.
    pub fn softmax(
        &self,
        context: &Context,
        logits: &[f32],
        teacher: Option<&[f32]>,
        labels: &[i32],
        dlogits: Option<&mut [f32]>,
    ) -> Result<Loss> {
        let mut args = init(lfuse_distillation_args_init);
        let (shape, mut mean, mut correct) = (shape(logits, labels), 0.0, 0);
        holds("logits", logits.len(), &shape)?;
        args.logits = logits.as_ptr();
        args.teacher = read_or_null("teacher", teacher, &shape)?;
        args.labels = labels.as_ptr();
        args.dlogits = write_or_null("dlogits", dlogits, &shape)?;
        [args.batch, args.classes] = shape;
        args.temperature = self.temperature;
        args.weight = self.weight;
        args.smoothing = self.smoothing;
        (args.loss, args.correct) = (&mut mean, &mut correct);
        call(|err| unsafe { lfuse_softmax_distillation(context.raw(), &args, err) })?;
        Ok(Loss { mean, correct })
    }
}
