//! What an optimiser does to one parameter, or to all of them.

use super::{read, write, write_or_null};
use crate::error::{call, Error, Result, Status};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;
use std::ptr::null;

/// Stochastic gradient descent, as PyTorch's without dampening.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Sgd {
    pub learning_rate: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    pub nesterov: bool,
}

/// Adam with decoupled weight decay, as PyTorch's AdamW; 0 means the defaults of update.h.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct AdamW {
    /// Which step this is, from 1.
    pub step: i64,
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
}

/// One of the parameters that an optimiser steps together.
pub struct Stepped<'s> {
    /// Updated.
    pub value: &'s mut [f32],
    /// As value.
    pub gradient: &'s [f32],
    /// As value, and updated: SGD's velocity, if it has momentum; AdamW's m and v.
    pub state: [Option<&'s mut [f32]>; 2],
}

impl Sgd {
    fn flags(&self) -> u32 {
        if self.nesterov {
            LFUSE_SGD_NESTEROV
        } else {
            0
        }
    }

    /// One step of one parameter.
    pub fn step(
        &self,
        context: &Context,
        value: &mut [f32],
        gradient: &[f32],
        velocity: Option<&mut [f32]>,
    ) -> Result<()> {
        let (mut args, count) = (init(lfuse_sgd_args_init), value.len() as i64);
        args.gradient = read("gradient", gradient, &[count])?;
        args.velocity = write_or_null("velocity", velocity, &[count])?;
        args.value = value.as_mut_ptr();
        args.count = count;
        args.learning_rate = self.learning_rate;
        args.momentum = self.momentum;
        args.weight_decay = self.weight_decay;
        args.flags = self.flags();
        // SAFETY: all arrays have count elements, here and below.
        call(|err| unsafe { lfuse_sgd(context.raw(), &args, err) })
    }

    /// One step of all parameters, with gradients scaled down to max_norm, if it is not 0; the
    /// norm that they had.
    pub fn step_all(
        &self,
        context: &Context,
        parameters: &mut [Stepped],
        max_norm: f64,
    ) -> Result<f64> {
        let arrays = Arrays::of(parameters, if self.momentum > 0.0 { 1 } else { 0 })?;
        let (mut args, mut norm) = (init(lfuse_sgd_all_args_init), 0.0);
        args.values = arrays.values.as_ptr();
        args.gradients = arrays.gradients.as_ptr();
        args.velocities = arrays.state[0].as_ref().map_or(null(), |all| all.as_ptr());
        args.counts = arrays.counts.as_ptr();
        args.parameters = arrays.counts.len() as i64;
        args.learning_rate = self.learning_rate;
        args.momentum = self.momentum;
        args.weight_decay = self.weight_decay;
        args.max_norm = max_norm;
        args.norm = &mut norm;
        args.flags = self.flags();
        call(|err| unsafe { lfuse_sgd_all(context.raw(), &args, err) })?;
        Ok(norm)
    }
}

impl AdamW {
    /// One step of one parameter, with its m and v.
    pub fn step(
        &self,
        context: &Context,
        value: &mut [f32],
        gradient: &[f32],
        (first, second): (&mut [f32], &mut [f32]),
    ) -> Result<()> {
        let (mut args, count) = (init(lfuse_adamw_args_init), value.len() as i64);
        args.gradient = read("gradient", gradient, &[count])?;
        args.first = write("first", first, &[count])?;
        args.second = write("second", second, &[count])?;
        args.value = value.as_mut_ptr();
        args.count = count;
        args.step = self.step;
        args.learning_rate = self.learning_rate;
        (args.beta1, args.beta2) = (self.beta1, self.beta2);
        args.epsilon = self.epsilon;
        args.weight_decay = self.weight_decay;
        call(|err| unsafe { lfuse_adamw(context.raw(), &args, err) })
    }

    /// One step of all parameters, as [`Sgd::step_all`].
    pub fn step_all(
        &self,
        context: &Context,
        parameters: &mut [Stepped],
        max_norm: f64,
    ) -> Result<f64> {
        let arrays = Arrays::of(parameters, 2)?;
        let (mut args, mut norm) = (init(lfuse_adamw_all_args_init), 0.0);
        let state = |i: usize| arrays.state[i].as_ref().map_or(null(), |all| all.as_ptr());
        args.values = arrays.values.as_ptr();
        args.gradients = arrays.gradients.as_ptr();
        (args.firsts, args.seconds) = (state(0), state(1));
        args.counts = arrays.counts.as_ptr();
        args.parameters = arrays.counts.len() as i64;
        args.step = self.step;
        args.learning_rate = self.learning_rate;
        (args.beta1, args.beta2) = (self.beta1, self.beta2);
        args.epsilon = self.epsilon;
        args.weight_decay = self.weight_decay;
        args.max_norm = max_norm;
        args.norm = &mut norm;
        call(|err| unsafe { lfuse_adamw_all(context.raw(), &args, err) })?;
        Ok(norm)
    }
}

/// Parameters, array by array, as C takes them.
struct Arrays {
    values: Vec<*mut f32>,
    gradients: Vec<*const f32>,
    state: [Option<Vec<*mut f32>>; 2],
    counts: Vec<i64>,
}

impl Arrays {
    /// With the first `states` of their state, which all must have.
    fn of(parameters: &mut [Stepped], states: usize) -> Result<Arrays> {
        let mut arrays = Arrays {
            values: Vec::new(),
            gradients: Vec::new(),
            state: [None, None],
            counts: Vec::new(),
        };
        for all in arrays.state.iter_mut().take(states) {
            *all = Some(Vec::new());
        }
        for (i, parameter) in parameters.iter_mut().enumerate() {
            let count = parameter.value.len() as i64;
            arrays.values.push(parameter.value.as_mut_ptr());
            arrays.gradients.push(read("gradient", parameter.gradient, &[count])?);
            arrays.counts.push(count);
            for (all, own) in arrays.state.iter_mut().zip(&mut parameter.state) {
                let own = own.as_deref_mut().map(|array| write("state", array, &[count]));
                match (all, own.transpose()?) {
                    (Some(all), Some(own)) => all.push(own),
                    (Some(_), None) => {
                        let text = format!("parameter {i} lacks state");
                        return Err(Error::new(Status::ARGUMENT, text));
                    }
                    (None, _) => {}
                }
            }
        }
        Ok(arrays)
    }
}

/// The 2-norm of all gradients as one vector.
pub fn gradient_norm(context: &Context, gradients: &[&[f32]]) -> Result<f64> {
    let pointers: Vec<_> = gradients.iter().map(|gradient| gradient.as_ptr()).collect();
    let counts: Vec<_> = gradients.iter().map(|gradient| gradient.len() as i64).collect();
    let (mut norm, count) = (0.0, counts.len() as i64);
    // SAFETY: as many counts as gradients, and as many elements.
    call(|err| unsafe {
        let (pointers, counts) = (pointers.as_ptr(), counts.as_ptr());
        lfuse_gradient_norm(context.raw(), pointers, counts, count, &mut norm, err)
    })?;
    Ok(norm)
}
