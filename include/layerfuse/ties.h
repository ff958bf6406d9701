/*
 * ties.h - what is in force: which layers share one buffer, and how to part them again
 *
 * A group's buffer is the kept member's, pinned until the ties die. The other members'
 * weights take one of three forms:
 *
 *   alias   tensors that own their memory re-point to the buffer; their own is freed
 *   rebind  borrowed memory, with a rebind callback: the caller re-points its own pointer
 *   mirror  borrowed memory, without one: a copy, kept equal by lfuse_ties_refresh(); saves
 *           the file and the traffic, not the memory
 *
 * Memory that is not laid out like the buffer (other strides) is always mirrored.
 *
 * Gradients and optimiser state of members are the kept member's, too: state that the tensors
 * own re-points and is freed; gradients likewise when they are accumulated, while gradients
 * per position stay apart for lfuse_ties_combine_gradients(). Borrowed gradients and state stay
 * where they are, and are the kept member's alone to use. Parameters that are not weights
 * stay per position; only LFUSE_POLICY_RANDOM changes some of them, the biases.
 *
 * A group under LFUSE_POLICY_RANDOM or LFUSE_POLICY_JS is not tied yet: it mixes. Its members keep weights,
 * gradients and state of their own, the sources, and memory is saved only by
 * lfuse_ties_finalise(). What the members show in between is lfuse_ties_show()'s to say.
 *
 * State of members is lost where the kept member has none. Accumulated gradients that the
 * kept member's cannot take over (none there, another layout or type) stay apart, unused.
 *
 * Rows that are joined (the unit row) stay where they are, parts of weights that are read whole:
 * nothing re-points, and every weight is an optimiser's to step. The kept row of a group is its
 * authoritative copy, the others are mirrors; of frozen groups that copy is in a bank of the
 * ties. lfuse_ties_combine_gradients() gives the kept row the group's gradient and the others
 * zeros (of frozen groups: all), and lfuse_ties_refresh() after the step makes all equal again:
 * so a group is stepped once, and a frozen one is not moved. Optimiser state is the kept row's.
 * Accumulated gradients are those that the caller has added up in the kept rows, where nobody looks at
 * the others. Rows that mix change places with memory of the ties, wherever they lie.
 *
 * A layer may be in one ties object, or retrainer, at a time.
 *
 * Ties are confined to one thread, and so are their layers' tensors while ties change.
 */
#ifndef LAYERFUSE_TIES_H
#define LAYERFUSE_TIES_H

#include <layerfuse/plan.h>

LFUSE_BEGIN_DECLS

/*
 * "Parameter `parameter` of layer `layer` lives at new_data from now on." 0 accepts; another
 * value refuses, and everything done so far is taken back (by further calls with the old
 * addresses, which must be accepted). Strings live for the call. Parameters are weights and,
 * where groups mix, biases.
 */
typedef int32_t (*lfuse_rebind)(const char *layer, const char *parameter, void *new_data,
                                void *user);

enum {
    LFUSE_TIES_KEEP_ORIGINALS = 1, /* lfuse_ties_undo() will be possible; costs memory */
    LFUSE_TIES_MIRROR = 2          /* mirrors everywhere: nothing re-points */
};

typedef struct lfuse_ties_options {
    size_t struct_size;  /* set by lfuse_ties_options_init(&o, sizeof(o)) */
    lfuse_rebind rebind; /* NULL means that borrowed memory is mirrored */
    void *rebind_user;
    uint32_t flags;            /* LFUSE_TIES_* or 0 */
    lfuse_gradients gradients; /* 0 means per position */
    lfuse_combine combine;     /* 0 means mean */
    int32_t reserved;
    lfuse_policy_merge merge; /* of the policy custom, or NULL */
    void *merge_user;
} lfuse_ties_options;

/**
 * lfuse_ties_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_ties_options_init(lfuse_ties_options *options, size_t size);

/**
 * lfuse_ties_create() - ties over these layers, none in force yet
 *
 * Owner:   the array is copied, the layers are borrowed until the ties are destroyed. *ties is
 *          returned: release with lfuse_ties_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, count < 1, unknown flags or constants
 *          LFUSE_ERR_NAME         two layers of one name
 *          LFUSE_ERR_STATE        the weight of a layer that could fuse starts where another
 *                                 weight does, or has a tensor of it: says which. So it is after
 *                                 earlier ties have been destroyed in force: expand the layers
 *                                 first, or keep those ties. Layers that cannot fuse may share.
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_UNSUPPORTED  options hold fields this version does not know
 *          On failure *ties is NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_ties_create(lfuse_context *ctx, lfuse_layer *const *layers,
                                         int64_t count, const lfuse_ties_options *options,
                                         lfuse_ties **ties,
                                         lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_ties_destroy() - lets go of the groups; layers keep the weights they have
 *
 * Result:  where a mix or mean is shown, every member has its own again, as if the sources had
 *          been shown first: rebind is told. Should it refuse, its member keeps what was shown.
 * Owner:   aliased tensors go on sharing their buffer, which lives as long as one of them;
 *          other ties over them are then refused.
 *          NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_ties_destroy(lfuse_ties *ties);

/**
 * lfuse_ties_apply() - puts a plan in force
 *
 * Result:  every group of the plan has one buffer. average: its weights are the mean over the
 *          members' weights, those of layers tied before counted once for each; freeze: the
 *          kept member's. Optimiser state is merged the same way, over the members that
 *          have it. random: no weight changes, the group mixes from now on; members that were
 *          tied before are one source, of more rows. Groups that the plan does not change keep
 *          their policy, others have the plan's. Where the plan aligns, units are in their new
 *          order first: values, gradients and state of every coupled tensor, in place. A plan
 *          without fusions changes nothing.
 * Errors:  LFUSE_ERR_ARGUMENT    NULL
 *          LFUSE_ERR_NAME         the plan is of other layers: says the first that differs
 *          LFUSE_ERR_SHAPE        a weight has another shape or output axis than when the plan
 *                                 was built
 *          LFUSE_ERR_TYPE         or another element type
 *          LFUSE_ERR_STATE        the plan was not built over what is in force now, or a layer
 *                                 has gained a weight (random: or a bias) since ties were first
 *                                 applied, or groups show a mix or mean, or memory of a
 *                                 coupled tensor is that of one which is not coupled alike,
 *                                 or a layer that shares rows is to be permuted,
 *                                 or a weight has other contents than a plan that knows them
 *          LFUSE_ERR_NOT_FINITE   NaN or infinity in a weight that is tied anew: says where
 *          LFUSE_ERR_UNSUPPORTED  LFUSE_FREEZE_DROPPED with accumulated gradients: the
 *                                 dropped positions' share is in their sum already; rows where
 *                                 layers are tied, or layers where rows are
 *          LFUSE_ERR_CALLBACK     rebind or merge refused; error.detail is its value
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          and, random, those of lfuse_plan_build() about biases
 *          On failure nothing has changed.
 * Threads: layers and ties are written.
 * Source:  O'Neill et al. 2021, sec. 3.2. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_ties_apply(lfuse_ties *ties, const lfuse_plan *plan,
                                        lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_ties_show() - what groups that mix show as their weights: sources, a mix, or the mean
 *
 * Result:  LFUSE_SHOW_MIX: each row (slice along the output axis) of each weight is that of
 *          one member, drawn uniformly; the draws depend on the context's seed, the kept layer,
 *          the weight, step and row alone. LFUSE_SHOW_MEAN: the mean over the members; step is
 *          not used. Either way every bias shows the mean of the biases, and all members of a
 *          group show the same. Rows of the unit row are one member's row, all of a group the same,
 *          and their biases stay. Under LFUSE_POLICY_JS a mix is each member's own, only the mean
 *          is shown by all alike, and biases stay each position's. LFUSE_SHOW_SOURCES: every member its own again, which is how
 *          an optimiser and a plan must find them. Without groups that mix, no weight changes.
 * Owner:   the mix lies in memory of the ties. Members' tensors re-point to it and back (rebind
 *          is told): ask for the address of a weight or bias after every call. Borrowed memory
 *          without rebind keeps its address, its contents change.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, an unknown show, or step < 0
 *          LFUSE_ERR_STATE     a mix or mean is asked for while one is shown: the sources first
 *          LFUSE_ERR_CALLBACK  rebind refused, or the host's executor
 *          On failure what was shown is shown still.
 * Threads: layers are written, over the context's threads. No bit depends on how many.
 * Source:  O'Neill et al. 2021, sec. 3.2. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_ties_show(lfuse_ties *ties, lfuse_show show, int64_t step,
                                       lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_ties_finalise() - ties every group that mixes, for good
 *
 * Result:  one buffer per group, with the mean of its sources, bit for bit what
 *          LFUSE_SHOW_MEAN showed; optimiser state likewise. Biases have their mean, too (but
 *          not under LFUSE_POLICY_JS, nor of rows), and stay one per position. From now on the group's
 *          policy is average. Without groups that mix nothing happens.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          LFUSE_ERR_STATE     a mix or mean is shown
 *          LFUSE_ERR_CALLBACK  rebind refused; error.detail is its value
 *          On failure nothing has changed.
 * Threads: layers and ties are written.
 * Source:  O'Neill et al. 2021, sec. 3.2. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_ties_finalise(lfuse_ties *ties,
                                           lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_ties_undo() - parts all groups and puts every weight and state back as it was before
 * the first apply, bit for bit
 *
 * Result:  weights and biases of all layers, tied or not, and their optimiser state; what
 *          training has made of other parameters stays, in the order of units that they had. So
 *          do gradients that never re-pointed; others are old. Values that were re-pointed have memory
 *          of their own again: borrowed ones theirs of before, owned ones at a new address.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          LFUSE_ERR_STATE     LFUSE_TIES_KEEP_ORIGINALS was not given, or a mix or mean is
 *                              shown
 *          LFUSE_ERR_CALLBACK  rebind refused; error.detail is its value
 *          On failure nothing has changed. With nothing in force nothing happens.
 * Threads: layers and ties are written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_ties_undo(lfuse_ties *ties,
                                       lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_ties_combine_gradients() - one gradient per group, in the kept member's buffer
 *
 * Result:  per position: the mean or sum over the members' gradients (freeze with
 *          LFUSE_FREEZE_DROPPED: the kept position's alone). Accumulated: the kept member's
 *          buffer holds the sum already, and is divided by the group's size for the mean.
 *          Groups with frozen weights are left alone. Groups that mix: what would be the kept
 *          member's goes, row by row, to the source that the row was drawn from, and zeros to
 *          the other sources; of a bias, to every member; of the unit row, to the source of the row
 *          that its group shows, and zeros to its other rows. Under LFUSE_POLICY_JS every source
 *          gets its members', blended with the other sources' as plan.h says.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          LFUSE_ERR_STATE     a weight of a group that trains has no gradient: says which; or
 *                              groups mix, but no mix is shown
 *          LFUSE_ERR_CALLBACK  the host's executor refused; the gradients are unspecified
 *          On failure otherwise nothing has changed.
 * Threads: gradients are written, over the context's threads; added in f64 in the order of the
 *          layers and rounded once, so that no bit depends on how many there are.
 * Source:  O'Neill et al. 2021, sec. 3.2. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_ties_combine_gradients(lfuse_ties *ties,
                                                    lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_ties_refresh() - copies every group's buffer to its mirrors
 *
 * Result:  without mirrors nothing happens. Rows: the kept row of a group goes to the others; of
 *          a frozen group, all are what they were when it was applied.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          LFUSE_ERR_CALLBACK  the host's executor refused; some mirrors may be stale
 * Threads: layers are written, over the context's threads.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_ties_refresh(lfuse_ties *ties,
                                          lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_ties_owner() - index of the layer whose buffer this one uses, or will when finalised
 *
 * Result:  index itself when it is not tied, -1 when out of range.
 * Threads: any, while ties do not change.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_ties_owner(const lfuse_ties *ties, int64_t index);

/**
 * lfuse_ties_row_owner() - the layer whose row this row's values are
 *
 * Result:  as lfuse_plan_row_owner(); -1, too, as long as no rows were put in force.
 * Threads: any, while ties do not change.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_ties_row_owner(const lfuse_ties *ties, int64_t layer,
                                       int32_t weight, int64_t row, int64_t *owner_row);

/**
 * lfuse_ties_is_frozen() - 1 when the weights of the layer's group no longer train, else 0
 *
 * Result:  0 where rows of them are frozen: the others train.
 * Threads: any, while ties do not change.
 * Source:  Since 0.1.
 */
LFUSE_API int32_t lfuse_ties_is_frozen(const lfuse_ties *ties, int64_t index);

/**
 * lfuse_ties_account() - what the network costs now; base is of account->ratio, 0 candidates
 *
 * Result:  groups that mix are counted as tied, which is what they are evaluated as and will be.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or an unknown base
 *          On failure *account is untouched.
 * Threads: any, while ties do not change.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_ties_account(const lfuse_ties *ties, lfuse_base base,
                                          lfuse_account *account,
                                          lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_ties_resident_bytes() - bytes of the distinct buffers behind all parameters, in memory
 *
 * Result:  counted by address, mirrors included; originals kept for undo, and what groups that
 *          mix have beside their sources, on top; so is the bank of frozen rows. Statistics, gradients and optimiser state are
 *          not parameters and are not counted.
 * Threads: any, while ties do not change.
 * Source:  Since 0.1.
 */
LFUSE_API size_t lfuse_ties_resident_bytes(const lfuse_ties *ties);

LFUSE_END_DECLS

#endif
