//! One position of the network: its name, its param type and its parameters.

use crate::constants::{Dtype, LayerKind, Role};
use crate::error::{c_string, call, Error, Result, Status};
use crate::handle::{init, text, Raw};
use crate::tensor::numbers;
use crate::{Context, Element, Tensor, TensorRef};
use layerfuse_sys::*;
use std::os::raw::c_void;
use std::ptr::null;

/// What a layer is called, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct LayerDesc<'s> {
    /// Unique among the layers of a plan.
    pub name: &'s str,
    /// What is interchangeable: only layers of one param type are compared or tied.
    pub param_type: &'s str,
    /// What it does.
    pub kind: LayerKind,
    /// Its place in the network, from 0.
    pub position: i32,
}

/// A parameter to be added to a layer, which takes its tensors.
pub struct Parameter<'a> {
    /// Unique in its layer, such as "weight".
    pub name: String,
    /// What is trained.
    pub value: Tensor<'a>,
    /// Of value's shape, if there is one.
    pub gradient: Option<Tensor<'a>>,
    /// Of the optimiser, at most four, of value's shape.
    pub state: Vec<Tensor<'a>>,
    /// Weights fuse, the rest stays.
    pub role: Role,
    /// Which axis of value counts output units.
    pub output_axis: i32,
}

impl<'a> Parameter<'a> {
    /// A weight without gradient and state, whose axis 0 counts output units.
    pub fn new(name: &str, value: Tensor<'a>) -> Parameter<'a> {
        let (name, state) = (name.to_owned(), Vec::new());
        Parameter { name, value, gradient: None, state, role: Role::Weight, output_axis: 0 }
    }
}

/// A parameter as its layer has it.
pub struct ParameterRef<'r> {
    /// The name of its layer.
    pub layer: &'r str,
    /// Its name in the layer.
    pub name: &'r str,
    /// Its value.
    pub value: &'r TensorRef,
    /// Its gradient.
    pub gradient: Option<&'r TensorRef>,
    /// Its optimiser state.
    pub state: [Option<&'r TensorRef>; 4],
    /// What it is in its layer.
    pub role: Role,
    /// Which axis counts output units.
    pub output_axis: i32,
}

/// The same, to be written.
pub struct ParameterMut<'r> {
    /// The name of its layer.
    pub layer: &'r str,
    /// Its name in the layer.
    pub name: &'r str,
    /// Its value.
    pub value: &'r mut TensorRef,
    /// Its gradient.
    pub gradient: Option<&'r mut TensorRef>,
    /// Its optimiser state.
    pub state: [Option<&'r mut TensorRef>; 4],
    /// What it is in its layer.
    pub role: Role,
}

impl<'r> ParameterRef<'r> {
    /// # Safety
    /// What raw points at lives, unchanged, for `'r`.
    unsafe fn from_raw(raw: &lfuse_parameter) -> Option<ParameterRef<'r>> {
        // SAFETY: as promised.
        unsafe {
            Some(ParameterRef {
                layer: text(raw.layer)?,
                name: text(raw.name)?,
                value: TensorRef::from_raw(raw.value)?,
                gradient: TensorRef::from_raw(raw.gradient),
                state: raw.state.map(|tensor| TensorRef::from_raw(tensor)),
                role: Role::from_raw(raw.role).unwrap_or(Role::Statistic),
                output_axis: raw.output_axis,
            })
        }
    }
}

impl<'r> ParameterMut<'r> {
    /// # Safety
    /// As above, and nobody else reads or writes its tensors for `'r`.
    pub(crate) unsafe fn from_raw(raw: &lfuse_parameter) -> Option<ParameterMut<'r>> {
        // SAFETY: as promised; value, gradient and state are different tensors, because a layer
        // takes each from its owner.
        unsafe {
            Some(ParameterMut {
                layer: text(raw.layer)?,
                name: text(raw.name)?,
                value: TensorRef::from_raw_mut(raw.value)?,
                gradient: TensorRef::from_raw_mut(raw.gradient),
                state: raw.state.map(|tensor| TensorRef::from_raw_mut(tensor)),
                role: Role::from_raw(raw.role).unwrap_or(Role::Statistic),
            })
        }
    }
}

/// A layer, with the tensors that it took.
pub struct Layer<'a> {
    raw: Raw<'a, lfuse_layer>,
    tensors: Vec<Tensor<'a>>,
    _context: Context,
}

// SAFETY: reading a layer from several threads is fine; what writes it is given its owner.
unsafe impl Send for Layer<'_> {}
// SAFETY: likewise.
unsafe impl Sync for Layer<'_> {}

impl<'a> Layer<'a> {
    /// A layer without parameters.
    pub fn new(context: &Context, desc: &LayerDesc) -> Result<Layer<'a>> {
        with_desc(desc, |raw| {
            // SAFETY: desc lives for the call.
            let layer = Raw::create(|out, err| unsafe {
                lfuse_layer_create(context.raw(), raw, out, err)
            })?;
            Ok(Layer::of(layer, context))
        })
    }

    /// A layer with one parameter, "weight", over your elements in row order; axis 0 counts
    /// output units.
    pub fn wrap<T: Element>(
        context: &Context,
        desc: &LayerDesc,
        weight: &'a mut [T],
        gradient: Option<&'a mut [T]>,
        dims: &[usize],
    ) -> Result<Layer<'a>> {
        let elements = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
        for array in [Some(&*weight), gradient.as_deref()].into_iter().flatten() {
            if elements != Some(array.len()) {
                let text = format!("there are {} elements for {dims:?}", array.len());
                return Err(Error::new(Status::SHAPE, text));
            }
        }
        let dims = numbers(dims)?;
        let describe = |data: *mut T| {
            let mut tensor = init(lfuse_tensor_desc_init);
            tensor.data = data.cast::<c_void>();
            tensor.dims = dims.as_ptr();
            tensor.dtype = T::DTYPE as i32;
            tensor.rank = i32::try_from(dims.len()).unwrap_or(i32::MAX);
            tensor
        };
        let weight = describe(weight.as_mut_ptr());
        let gradient = gradient.map(|array| describe(array.as_mut_ptr()));
        let gradient = gradient.as_ref().map_or(null(), |desc| desc as *const _);
        with_desc(desc, |raw| {
            // SAFETY: both arrays have the elements of dims, for 'a.
            let layer = Raw::create(|out, err| unsafe {
                lfuse_layer_wrap(context.raw(), raw, &weight, gradient, out, err)
            })?;
            Ok(Layer::of(layer, context))
        })
    }

    fn of(raw: Raw<'a, lfuse_layer>, context: &Context) -> Layer<'a> {
        let (tensors, _context) = (Vec::new(), context.clone());
        Layer { raw, tensors, _context }
    }

    /// Adds a parameter, whose tensors the layer keeps. Where it fails they are dropped.
    pub fn add(&mut self, parameter: Parameter<'a>) -> Result<()> {
        let name = c_string(parameter.name, "name")?;
        let mut raw = init(lfuse_parameter_init);
        raw.name = name.as_ptr();
        raw.value = parameter.value.raw_mut();
        raw.role = parameter.role as i32;
        raw.output_axis = parameter.output_axis;
        if let Some(gradient) = &parameter.gradient {
            raw.gradient = gradient.raw_mut();
        }
        if parameter.state.len() > raw.state.len() {
            let text = format!("{} tensors of state, at most 4", parameter.state.len());
            return Err(Error::new(Status::ARGUMENT, text));
        }
        for (slot, tensor) in raw.state.iter_mut().zip(&parameter.state) {
            *slot = tensor.raw_mut();
        }
        // Kept before the layer may have them, whatever happens then.
        self.tensors.push(parameter.value);
        self.tensors.extend(parameter.gradient);
        self.tensors.extend(parameter.state);
        // SAFETY: the tensors live as long as the layer, which is borrowed alone.
        call(|err| unsafe { lfuse_layer_add_parameter(self.raw(), &raw, err) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        // SAFETY: the layer's strings live as long as the layer, here and below.
        unsafe { text(lfuse_layer_name(self.raw())) }.unwrap_or("?")
    }

    /// Its param type.
    pub fn param_type(&self) -> &str {
        unsafe { text(lfuse_layer_param_type(self.raw())) }.unwrap_or("?")
    }

    /// What it does.
    pub fn kind(&self) -> LayerKind {
        LayerKind::from_raw(unsafe { lfuse_layer_kind_of(self.raw()) }).unwrap_or_default()
    }

    /// Its place in the network.
    pub fn position(&self) -> i32 {
        unsafe { lfuse_layer_position(self.raw()) }
    }

    /// How many parameters it has.
    pub fn parameter_count(&self) -> usize {
        unsafe { lfuse_layer_parameter_count(self.raw()) as usize }
    }

    /// The parameter at index, in the order they were added.
    pub fn parameter(&self, index: usize) -> Result<ParameterRef<'_>> {
        let raw = self.raw_parameter(index)?;
        // SAFETY: it lives as long as the layer, and is written through its owner alone.
        unsafe { ParameterRef::from_raw(&raw) }.ok_or_else(|| foreign(&raw))
    }

    pub(crate) fn raw_parameter(&self, index: usize) -> Result<lfuse_parameter> {
        let mut raw = init(lfuse_parameter_init);
        let index = i32::try_from(index).unwrap_or(-1);
        // SAFETY: a layer and room for the answer.
        call(|err| unsafe { lfuse_layer_parameter(self.raw(), index, &mut raw, err) })?;
        Ok(raw)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.tensors.iter().any(Tensor::is_read_only)
    }

    pub(crate) fn raw(&self) -> *mut lfuse_layer {
        self.raw.get()
    }
}

fn foreign(raw: &lfuse_parameter) -> Error {
    Error::new(
        Status::UNSUPPORTED,
        format!("a parameter without a value, of role {}", raw.role),
    )
}

fn with_desc<T>(desc: &LayerDesc, f: impl FnOnce(&lfuse_layer_desc) -> Result<T>) -> Result<T> {
    let name = c_string(desc.name, "name")?;
    let param_type = c_string(desc.param_type, "param_type")?;
    let mut raw = init(lfuse_layer_desc_init);
    raw.name = name.as_ptr();
    raw.param_type = param_type.as_ptr();
    raw.kind = desc.kind as i32;
    raw.position = desc.position;
    f(&raw)
}

/// A new tensor of a layer's type, for gradients and state that have no memory yet.
impl Parameter<'_> {
    /// A gradient of zeros, of its own.
    pub fn with_gradient(mut self, context: &Context) -> Result<Self> {
        self.gradient = Some(zeros_like(context, &self.value)?);
        Ok(self)
    }

    /// So many tensors of optimiser state, of zeros, of their own.
    pub fn with_state(mut self, context: &Context, count: usize) -> Result<Self> {
        for _ in 0..count {
            self.state.push(zeros_like(context, &self.value)?);
        }
        Ok(self)
    }

    /// An error where one of its tensors is only to be read.
    pub(crate) fn writable(&self) -> Result<()> {
        let all = self.gradient.iter().chain(&self.state).chain(Some(&self.value));
        if all.into_iter().any(Tensor::is_read_only) {
            let text = format!("parameter {} has a tensor that is read-only", self.name);
            return Err(Error::new(Status::STATE, text));
        }
        Ok(())
    }

    /// As what it counts in its layer.
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

fn zeros_like(context: &Context, tensor: &TensorRef) -> Result<Tensor<'static>> {
    let dtype: Dtype = tensor.dtype();
    Tensor::zeros(context, dtype, &tensor.dims())
}
