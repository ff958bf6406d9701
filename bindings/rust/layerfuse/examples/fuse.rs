//! fuse.rs - a network trains, is fused to half of its weights, trains on, and is saved
//!
//! Is a square of a board of 3 x 3 white? Six layers h += max(0, W h) answer.

use layerfuse::{
    Checkpoint, Context, Entry, Layer, LayerDesc, LayerKind, Layers, OpenOptions, Parameter,
    PlanOptions, Result, Retrainer, RetrainerOptions, SaveOptions, Tensor, Verdict,
};

const LAYERS: usize = 6;
const WIDTH: usize = 16;
const SIZE: usize = WIDTH * WIDTH;
const STEPS: usize = 4000;
const BATCH: usize = 20;

/// Points in the square, evenly spread: multiples of two irrational numbers, modulo 1.
#[derive(Default)]
struct Points(u32);

impl Points {
    fn next(&mut self) -> (f32, f32, f32) {
        self.0 = self.0.wrapping_add(1);
        let spread = |factor| (self.0.wrapping_mul(factor) >> 8) as f32 / 8388608.0 - 1.0;
        let (x, y) = (spread(3242174889), spread(2447445414));
        let square = (1.5 * x + 1.5) as i32 + (1.5 * y + 1.5) as i32;
        (x, y, if square % 2 == 0 { -1.0 } else { 1.0 })
    }
}

/// Forward and back for one point: > 0 when the answer is right. Gradients are added to dw.
fn point(w: &[&[f32]], dw: &mut [f32], (x, y, white): (f32, f32, f32)) -> f32 {
    let mut h = [[0f32; WIDTH]; LAYERS + 1];
    let mut z = [[0f32; WIDTH]; LAYERS];
    let mut dh = [[0f32; WIDTH]; LAYERS + 1];

    h[0][..3].copy_from_slice(&[x, y, 1.0]);
    for l in 0..LAYERS {
        for k in 0..SIZE {
            z[l][k / WIDTH] += w[l][k] * h[l][k % WIDTH];
        }
        for i in 0..WIDTH {
            h[l + 1][i] = h[l][i] + z[l][i].max(0.0);
        }
    }
    let margin = white * (h[LAYERS][3] - h[LAYERS][4]);
    dh[LAYERS][3..5].copy_from_slice(&[-white, white]);
    for l in (0..LAYERS).rev().filter(|_| margin < 1.0) {
        dh[l] = dh[l + 1];
        for k in (0..SIZE).filter(|k| z[l][k / WIDTH] > 0.0) {
            dw[l * SIZE + k] += dh[l + 1][k / WIDTH] * h[l][k % WIDTH];
            dh[l][k % WIDTH] += dh[l + 1][k / WIDTH] * w[l][k];
        }
    }
    margin
}

fn weights<'r>(layers: &'r Layers<'_>) -> Result<Vec<&'r [f32]>> {
    layers.iter().map(|layer| layer.parameter(0)?.value.data()).collect()
}

/// One step on some points: what fusing adds to a loop of your own is begin, combine and end.
fn step(r: &mut Retrainer, points: &mut Points, rate: f32) -> Result<()> {
    let mut dw = vec![0f32; LAYERS * SIZE];

    r.begin_step()?;
    let w = weights(r.layers())?;
    for _ in 0..BATCH {
        point(&w, &mut dw, points.next());
    }
    for (l, own) in dw.chunks(SIZE).enumerate() {
        if let Some(gradient) = r.parameter_mut(l, 0)?.gradient {
            gradient.data_mut()?.copy_from_slice(own);
        }
    }
    r.combine_gradients()?;
    for i in 0..r.parameter_count() {
        let parameter = r.parameter(i)?;
        if let Some(gradient) = parameter.gradient {
            for (v, g) in parameter.value.data_mut::<f32>()?.iter_mut().zip(gradient.data()?) {
                *v -= rate * g;
            }
        }
    }
    r.end_step()
}

fn test(r: &mut Retrainer, points: &mut Points, when: &str) -> Result<f64> {
    let mut unused = vec![0f32; LAYERS * SIZE];

    r.begin_eval()?;
    let w = weights(r.layers())?;
    let right =
        (0..1000).filter(|_| point(&w, &mut unused, points.next()) > 0.0).count() as f64;
    r.end_eval()?;
    let ratio = LAYERS as f64 / r.parameter_count() as f64;
    println!("{when:8} {:.1} % right at ratio {ratio:.2}", right / 10.0);
    Ok(right / 1000.0)
}

fn main() -> Result<()> {
    let mut w = vec![0f32; LAYERS * SIZE]; // yours; borrowed
    for (i, v) in w.iter_mut().enumerate() {
        let (l, k) = (i / SIZE, i % SIZE);
        *v = ((k + 1) * (k + 7 * l + 3) % 37) as f32 / 90.0 - 0.2;
    }
    let context = Context::new()?;
    let layer = |(l, w)| {
        let name = format!("w{l}");
        let kind = LayerKind::Linear;
        let desc = LayerDesc { name: &name, param_type: "layer", kind, position: l as i32 };
        let mut layer = Layer::new(&context, &desc)?;
        let value = Tensor::borrow(&context, w, &[WIDTH, WIDTH])?;
        layer.add(Parameter::new("weight", value).with_gradient(&context)?)?;
        Ok(layer)
    };
    let layers = w.chunks_mut(SIZE).enumerate().map(layer).collect::<Result<Layers>>()?;
    let plan = PlanOptions { ratio: 2.0, ..Default::default() };
    let options = RetrainerOptions { plan, fusions: 2, ..Default::default() };
    let mut r = Retrainer::new(&context, layers, options)?;

    let (mut points, mut verdict, mut epoch) = (Points::default(), Verdict::Continue, 0);
    while verdict != Verdict::Done {
        for s in 0..STEPS {
            step(&mut r, &mut points, 0.0025 * (STEPS - s) as f32 / STEPS as f32)?;
        }
        let right = test(&mut r, &mut points, "trained")?;
        match epoch {
            0 => r.fuse()?,
            _ => verdict = r.end_epoch(right)?,
        }
        if verdict != Verdict::Done {
            test(&mut r, &mut points, "fused")?;
        }
        epoch += 1;
    }

    let names: Vec<_> = r.layers().iter().map(|layer| layer.name().to_owned()).collect();
    let owner = |l| r.ties().owner(l).filter(|owner| *owner != l).map(|owner| &*names[owner]);
    let path = std::env::temp_dir().join(format!("fuse-{}.safetensors", std::process::id()));
    let mut entries = Vec::new();
    for (l, name) in names.iter().enumerate() {
        let tensor = r.layers()[l].parameter(0)?.value;
        entries.push(Entry { name, tensor, owner: owner(l) });
    }
    Checkpoint::save(&context, &path, &entries, SaveOptions::default())?;
    // SAFETY: the file is this program's own.
    let file = unsafe { Checkpoint::open(&context, &path, &OpenOptions::default()) }?;
    let stored = (0..file.len()).filter(|i| file.owner(*i) == Some(*i)).count();
    println!("saved    {} names, {stored} stored", file.len());
    let _ = std::fs::remove_file(path);
    Ok(())
}
