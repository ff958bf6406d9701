//! Files: written whole, shared tensors once, and read by mapping.

mod common;

use common::*;
use layerfuse::*;
use std::path::Path;

fn open(context: &Context, path: &Path) -> Result<Checkpoint> {
    // SAFETY: files of these tests are nobody else's.
    unsafe { Checkpoint::open(context, path, &OpenOptions::default()) }
}

fn entry<'e>(name: &'e str, tensor: &'e TensorRef) -> Entry<'e> {
    Entry { name, tensor, owner: None }
}

#[test]
fn what_is_saved_is_read() {
    let context = Context::new().unwrap();
    let layers = owned(&context);
    let tensor = |l: usize| layers[l].parameter(0).unwrap().value;
    let entries = [
        entry("a", tensor(0)),
        Entry { name: "b", tensor: tensor(1), owner: Some("a") },
        entry("c", tensor(2)),
    ];
    let path = scratch("saved.safetensors");
    let options = SaveOptions { metadata: &[("made", "here")], ..Default::default() };
    Checkpoint::save(&context, &path, &entries, options).unwrap();
    let file = open(&context, &path).unwrap();
    assert_eq!(
        (file.len(), file.is_empty(), file.find("c"), file.find("x")),
        (3, false, Some(1), None)
    );
    let (a, b) = (file.find("a").unwrap(), file.find("b").unwrap());
    assert_eq!((file.owner(b), file.owner(9), file.name(b)), (Some(a), None, Some("b")));
    assert_eq!(file.tensor(b).unwrap().data::<f32>().unwrap(), WEIGHTS[0]);
    assert_eq!((file.file(a), file.file_names()), (Some(0), vec![]));
    assert_eq!(file.metadata("made"), Some("here"));
    assert!(file.metadata_keys().contains(&"made") && file.skipped().is_empty());
    assert!(file.tensor(9).is_none() && file.view(9).is_none());

    let view = file.view(a).unwrap().unwrap();
    let again = similarity(&context, &view, tensor(0), &SimilarityOptions::default()).unwrap();
    assert_eq!(again, 0.0);
    drop(view);
    std::fs::remove_file(&path).unwrap();
    refused(open(&context, &path), Status::IO, "");
}

#[test]
fn closures_fill_tensors_block_by_block_and_stop_the_save() {
    let context = Context::new().unwrap();
    let tensor = || Tensor::from_vec(&context, vec![1f32, 2., 3.], &[3]).unwrap();
    let (filled, kept) = (tensor(), tensor());
    let entries = [entry("filled", &filled), entry("kept", &kept)];
    let path = scratch("filled.safetensors");
    let mut fill = |index: usize, first: usize, out: &mut [u8]| {
        if index == 1 {
            return Ok(Fill::AsItIs);
        }
        assert_eq!(first, 0);
        out[..4].copy_from_slice(&7f32.to_le_bytes());
        Ok(Fill::Filled)
    };
    let mut options = SaveOptions { fill: Some(&mut fill), ..Default::default() };
    options.mode = SaveMode::Expand;
    Checkpoint::save(&context, &path, &entries, options).unwrap();
    let file = open(&context, &path).unwrap();
    let read = |name| file.tensor(file.find(name).unwrap()).unwrap().data::<f32>().unwrap();
    assert_eq!((read("filled"), read("kept")), (&[7., 0., 0.][..], &[1., 2., 3.][..]));

    for answer in [1, 12] {
        let mut stop = |_: usize, _: usize, _: &mut [u8]| Err(answer);
        let options = SaveOptions { fill: Some(&mut stop), ..Default::default() };
        let result = Checkpoint::save(&context, &path, &entries, options);
        let error = refused(result, Status::CALLBACK, "");
        assert_eq!(error.detail(), if answer == 1 { -1 } else { 12 });
    }
    let mut bad = |_: usize, _: usize, _: &mut [u8]| panic!("fill");
    let options = SaveOptions { fill: Some(&mut bad), ..Default::default() };
    let save = || Checkpoint::save(&context, &path, &entries, options);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(save)).is_err());
    assert_eq!(read("kept"), [1., 2., 3.]); // what was there still is
    drop(file);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn banks_store_rows_once_and_carried_tensors_travel() {
    let context = Context::new().unwrap();
    let rows = |data: Vec<f32>| Tensor::from_vec(&context, data, &[64, 64]).unwrap();
    let (a, b) = (rows(vec![1.0; 4096]), rows(vec![1.0; 4096]));
    let entries = [entry("a", &a), entry("b", &b)];
    let banks = [Bank { name: "rows", entries: &["a", "b"], output_axis: 0 }];
    let path = scratch("banks.safetensors");
    let options = SaveOptions { banks: &banks, ..Default::default() };
    Checkpoint::save(&context, &path, &entries, options).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 4 * 4096);
    let file = open(&context, &path).unwrap();
    assert_eq!(
        file.tensor(file.find("b").unwrap()).unwrap().data::<f32>().unwrap(),
        [1.0; 4096]
    );

    // A counter of I64, by hand.
    let header = br#"{"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(&42u64.to_le_bytes());
    let counter = scratch("counter.safetensors");
    std::fs::write(&counter, bytes).unwrap();
    refused(open(&context, &counter), Status::UNSUPPORTED, "I64");
    let skip = OpenOptions { skip_unsupported: true, ..Default::default() };
    // SAFETY: as above.
    let opened = unsafe { Checkpoint::open(&context, &counter, &skip) }.unwrap();
    let (name, kind, data, _) = opened.skipped()[0];
    assert_eq!(
        (name, kind, data),
        ("n", r#"{"dtype":"I64","shape":[1]}"#, &42u64.to_le_bytes()[..])
    );
    let options = SaveOptions { carried: Some((&opened, 0)), ..Default::default() };
    Checkpoint::save(&context, &path, &entries[..1], options).unwrap();
    // SAFETY: as above.
    let carried = unsafe { Checkpoint::open(&context, &path, &skip) }.unwrap();
    assert_eq!(carried.skipped()[0].2, 42u64.to_le_bytes());
    for path in [path, counter] {
        std::fs::remove_file(path).unwrap();
    }
}
