//! Rows of a table by their ids, and learned positions.

use super::{holds, read, read_or_null, write, write_or_null};
use crate::error::{call, Result};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// Of ids (rows), in sequences of tokens, out of a table (vocabulary, width), y (rows, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Embedding {
    pub rows: i64,
    pub width: i64,
    pub vocabulary: i64,
    /// Of a sequence; divides rows; 0 means one sequence.
    pub tokens: i64,
    /// Rows of the positions.
    pub position_count: i64,
    /// Of each sequence.
    pub first_position: i64,
}

impl Embedding {
    fn raw(&self, ids: &[i32]) -> Result<lfuse_embedding_args> {
        let mut args = init(lfuse_embedding_args_init);
        holds("ids", ids.len(), &[self.rows])?;
        args.ids = ids.as_ptr();
        args.rows = self.rows;
        args.width = self.width;
        args.vocabulary = self.vocabulary;
        args.tokens = self.tokens;
        args.position_count = self.position_count;
        args.first_position = self.first_position;
        Ok(args)
    }

    /// y = the table's rows, plus those of the positions
    pub fn forward(
        &self,
        context: &Context,
        ids: &[i32],
        table: &[f32],
        positions: Option<&[f32]>,
        y: &mut [f32],
    ) -> Result<()> {
        let mut args = self.raw(ids)?;
        args.table = read("table", table, &[self.vocabulary, self.width])?;
        let shape = [self.position_count, self.width];
        args.positions = read_or_null("positions", positions, &shape)?;
        args.y = write("y", y, &[self.rows, self.width])?;
        // SAFETY: arrays have the elements of their shapes, here and below.
        call(|err| unsafe { lfuse_embedding_forward(context.raw(), &args, err) })
    }

    /// dtable and dpositions grow by dy's rows
    pub fn backward(
        &self,
        context: &Context,
        ids: &[i32],
        dy: &[f32],
        dtable: Option<&mut [f32]>,
        dpositions: Option<&mut [f32]>,
    ) -> Result<()> {
        let mut args = self.raw(ids)?;
        args.dy = read("dy", dy, &[self.rows, self.width])?;
        args.dtable = write_or_null("dtable", dtable, &[self.vocabulary, self.width])?;
        let shape = [self.position_count, self.width];
        args.dpositions = write_or_null("dpositions", dpositions, &shape)?;
        call(|err| unsafe { lfuse_embedding_backward(context.raw(), &args, err) })
    }
}
