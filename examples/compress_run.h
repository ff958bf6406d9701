/* compress_run.h - what the parts of compress_cnn work on: one run, from data to report */
#ifndef EXAMPLES_COMPRESS_RUN_H
#define EXAMPLES_COMPRESS_RUN_H

#include "baselines/baseline.h"
#include "compress_options.h"
#include "data/batches.h"
#include "data/images.h"
#include "models/resnet.h"
#include "train.h"

/* One fusion and the training after it. */
struct compress_row {
    lfuse_account account;
    struct score fused, retrained;
    int64_t fusions; /* pairs tied */
    int64_t epochs;
    int64_t shown;  /* with how many epochs, and 1; 0: not yet */
    double seconds; /* from its fusion on */
};

/* How alike the layers of one param type were before the first fusion. */
struct compress_likeness {
    const char *type;
    int64_t count;
    const lfuse_layer *layers[CNN_MAX_UNITS];
    const char *names[CNN_MAX_UNITS];
    double *values; /* (count, count) */
};

enum { COMPRESS_MAX_TYPES = 8, COMPRESS_ROLLBACKS = 3 };

/* How far a run is. */
struct compress_progress {
    int64_t epochs;      /* trained */
    int64_t row_count;   /* fusions that are in force */
    int64_t rolled_back; /* and others */
    struct score now;    /* by run->judges */
    lfuse_verdict verdict;
    int32_t reserved;
};

struct run {
    struct compress_options options;
    lfuse_context *ctx;
    struct image_sets data;
    struct batches *batches;     /* the training set, augmented */
    const struct images *judges; /* whom rows and epochs are scored by */
    struct resnet *net, *teacher;
    lfuse_couplings *couplings; /* of --align, or NULL */
    lfuse_retrainer *retrainer;
    struct baseline *baseline; /* of --baseline, or NULL */
    struct score original;     /* by the test set; so is final */
    struct score judged;       /* the original, by judges */
    struct score final;
    struct compress_progress progress;
    struct compress_row *rows; /* (options.fusions), progress.row_count of them */
    double *metrics; /* (options.epochs + 1): what the retrainer is told after each */
    struct compress_likeness likeness[COMPRESS_MAX_TYPES];
    int64_t likeness_count;
    const char *written; /* the latest file, or NULL */
};

/* What the options say of training after fusing. */
struct training compress_training(const struct run *run);
/* Statistics re-estimated, and scored by run->judges. */
lfuse_status compress_score(struct run *run, struct score *score, lfuse_error *err);
/* An epoch of training and its score, in progress and in a line that begins with `before`. */
lfuse_status compress_epoch(struct run *run, const struct training *training,
                            const char *before, lfuse_error *err);
/* The whole schedule, from the last state on that there is; run->final in the end. */
lfuse_status compress_fuse(struct run *run, lfuse_error *err);

/*
 * Examples of what layers of these units receive, for a baseline of run->net; on failure, too,
 * to be destroyed. units is borrowed until then.
 */
struct compress_refit;
lfuse_status compress_refit_create(struct run *run, const int64_t *units,
                                   struct compress_refit **refit, lfuse_error *err);
/* NULL for NULL. */
const struct baseline_examples *
compress_refit_examples(const struct compress_refit *refit);
void compress_refit_destroy(struct compress_refit *refit);

/* --baseline, and its training: the network in the end is that of run->final. */
lfuse_status compress_baseline(struct run *run, lfuse_error *err);

/* The state of a phase ("", or ".train") is in a file of options.resume and this: writes it, */
lfuse_status compress_state_keep(struct run *run, const char *phase, lfuse_error *err);
/* and brings it back, if it is there: network, retrainer, progress, and a baseline's. */
lfuse_status compress_state_return(struct run *run, const char *phase, int *found,
                                   lfuse_error *err);

/* Measures run->likeness; the network as it is now. */
lfuse_status compress_report_begin(struct run *run, lfuse_error *err);
/* Writes options.report and options.pictures, as far as they are asked for. */
lfuse_status compress_report_end(struct run *run, lfuse_error *err);
void compress_report_free(struct run *run);

/* Groups, score and account, to stdout. */
lfuse_status compress_print_result(struct run *run, lfuse_error *err);
/* Reads options.out back and scores it: it must get exactly as many right. */
lfuse_status compress_check_file(struct run *run, lfuse_error *err);
void compress_print_score(const char *what, const struct score *score);

double compress_percent(const struct score *score);

#endif
