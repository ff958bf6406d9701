/* page.c - the page: what came of it, step by step, what it saves, which layers, why */
#include "draw.h"

#include <math.h>

/* ---- small pieces ------------------------------------------------------------------ */

static int given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    lfr_text(out, text);
    fputs(close, out);
}

static void cell(FILE *out, const char *css_class, const char *text)
{
    fprintf(out, "<td class=\"%s\">%s</td>", css_class, text);
}

/* A value with its unit, "97.82 %". */
static void put_value(FILE *out, double value, const char *unit)
{
    char text[LFR_NUMBER_BYTES];

    fputs(lfr_fixed(text, value, 2), out);
    if (isfinite(value) && given(unit)) {
        fputs("\xc2\xa0", out); /* no line break */
        lfr_text(out, unit);
    }
}

/* The last step whose result is known, or NULL. */
static const struct lfr_step *last_result(const struct lfr_curve *c)
{
    int i;

    for (i = c == NULL ? 0 : c->step_count; i > 0; i--)
        if (isfinite(c->steps[i - 1].retrained) && isfinite(c->steps[i - 1].ratio))
            return &c->steps[i - 1];
    return NULL;
}

static int is_percent(const char *unit)
{
    return given(unit) && unit[0] == '%' && unit[1] == '\0';
}

static int is_worse(const struct lfr_curve *c, double change)
{
    return c->lower_is_better ? change > 0.0 : change < 0.0;
}

/* ---- what came of it --------------------------------------------------------------- */

static void fact_ratio(FILE *out, double ratio, const char *base)
{
    char text[LFR_NUMBER_BYTES];

    fprintf(out, "<li><b>%s\xc3\x97</b><span>smaller", lfr_fixed(text, ratio, 2));
    if (given(base)) {
        fputs(", over the ", out);
        lfr_text(out, base);
    }
    fputs("</span></li>\n", out);
}

static void fact_quality(FILE *out, const struct lfr_curve *c,
                         const struct lfr_step *last)
{
    double change = last->retrained - c->original;
    char text[LFR_NUMBER_BYTES];

    fputs("<li><b>", out);
    put_value(out, last->retrained, c->unit);
    element(out, "</b><span>", c->metric, " after retraining</span></li>\n");
    if (!isfinite(change))
        return;
    fprintf(out, "<li><b>%s%s</b><span>%sagainst the original\xe2\x80\x99s ",
            change >= 0.005 ? "+" : "", lfr_fixed(text, change, 2),
            is_percent(c->unit) ? "points, " : "");
    put_value(out, c->original, c->unit);
    fputs("</span></li>\n", out);
}

static void facts(FILE *out, const struct lfr_report *r)
{
    const struct lfr_step *last = last_result(r->curve);
    int64_t before = r->size != NULL ? r->size->base_logical : 0;
    int64_t after = r->size != NULL ? r->size->base_unique : 0;
    char a[LFR_NUMBER_BYTES], b[LFR_NUMBER_BYTES];
    int kept = r->size != NULL && r->size->logical > 0;

    if (last == NULL && after <= 0 && !kept)
        return;
    fputs("<ul class=\"facts\">\n", out);
    if (last != NULL) {
        fact_ratio(out, last->ratio, r->curve->base);
        fact_quality(out, r->curve, last);
    } else if (after > 0) {
        fact_ratio(out, (double)before / (double)after, r->size->base);
    }
    if (kept)
        fprintf(out, "<li><b>%s</b><span>parameters kept, of %s</span></li>\n",
                lfr_count(a, r->size->unique), lfr_count(b, r->size->logical));
    fputs("</ul>\n", out);
}

/* ---- the steps --------------------------------------------------------------------- */

static void curve(FILE *out, const struct lfr_curve *c)
{
    element(out, "<section>\n<h2>Size against ", c->metric, "</h2>\n");
    if (c->step_count > 0)
        fputs("<p class=\"note\">A ring is the network right after layers were fused; "
              "the filled point at the same ratio is that network after training "
              "on.</p>\n",
              out);
    lfr_curve(out, c, 896, 400, "chart wide", LFR_INLINE);
    lfr_curve(out, c, 350, 340, "chart narrow", LFR_INLINE);
    fputs("</section>\n", out);
}

static void change_cell(FILE *out, const struct lfr_curve *c, const struct lfr_step *s)
{
    double change = s->retrained - c->original;
    char text[LFR_NUMBER_BYTES];

    fprintf(out, "<td class=\"%s\">%s%s</td>",
            is_worse(c, change) && fabs(change) >= 0.005 ? "down" : "",
            change >= 0.005 ? "+" : "", lfr_fixed(text, change, 2));
}

static void step_row(FILE *out, const struct lfr_curve *c, int index)
{
    const struct lfr_step *s = &c->steps[index];
    char text[LFR_NUMBER_BYTES];

    fprintf(out, "<tr><th scope=\"row\">%d</th><td>%s\xc3\x97</td>", index + 1,
            lfr_fixed(text, s->ratio, 2));
    cell(out, "wide-cell", s->unique > 0 ? lfr_count(text, s->unique) : "");
    cell(out, "wide-cell", s->fusions > 0 ? lfr_count(text, s->fusions) : "");
    cell(out, "", lfr_fixed(text, s->fused, 2));
    cell(out, "wide-cell", s->epochs > 0 ? lfr_count(text, s->epochs) : "");
    cell(out, "mark", lfr_fixed(text, s->retrained, 2));
    change_cell(out, c, s);
    cell(out, "wide-cell", s->seconds > 0.0 ? lfr_fixed(text, s->seconds, 1) : "");
    fputs("</tr>\n", out);
}

static void steps(FILE *out, const struct lfr_curve *c)
{
    char text[LFR_NUMBER_BYTES];
    int i;

    fputs("<section>\n<h2>Every step</h2>\n<p class=\"note\">Values are ", out);
    lfr_text(out, c->metric);
    if (given(c->unit))
        element(out, " in ", c->unit, "");
    if (given(c->base))
        element(out, "; ratio and weights are over the ", c->base, "");
    fputs(".</p>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">step</th>"
          "<th scope=\"col\">ratio</th><th scope=\"col\" class=\"wide-cell\">weights left"
          "</th><th scope=\"col\" class=\"wide-cell\">pairs fused</th>"
          "<th scope=\"col\">right after fusing</th>"
          "<th scope=\"col\" class=\"wide-cell\">epochs after</th>"
          "<th scope=\"col\">after retraining</th><th scope=\"col\">against original</th>"
          "<th scope=\"col\" class=\"wide-cell\">seconds</th></tr></thead>\n<tbody>\n",
          out);
    fputs("<tr><th scope=\"row\">original</th><td>1.00\xc3\x97</td>", out);
    fputs("<td class=\"wide-cell\"></td><td class=\"wide-cell\"></td><td></td>"
          "<td class=\"wide-cell\"></td>",
          out);
    cell(out, "mark", lfr_fixed(text, c->original, 2));
    fputs("<td></td><td class=\"wide-cell\"></td></tr>\n", out);
    for (i = 0; i < c->step_count; i++)
        step_row(out, c, i);
    fputs("</tbody></table></div>\n</section>\n", out);
}

/* ---- what it saves ----------------------------------------------------------------- */

static void size_row(FILE *out, const char *what, const char *before, const char *after,
                     double ratio, const char *note)
{
    char text[LFR_NUMBER_BYTES];

    element(out, "<tr><th scope=\"row\">", what, "</th>");
    fprintf(out, "<td>%s</td><td class=\"mark\">%s</td><td>%s\xc3\x97</td>", before,
            after, lfr_fixed(text, ratio, 2));
    fprintf(out, "<td class=\"text wide-cell\">%s</td></tr>\n", note);
}

static void count_row(FILE *out, const char *what, int64_t before, int64_t after,
                      const char *note)
{
    char a[LFR_NUMBER_BYTES], b[LFR_NUMBER_BYTES];

    if (before > 0 && after > 0)
        size_row(out, what, lfr_count(a, before), lfr_count(b, after),
                 (double)before / (double)after, note);
}

static void bytes_row(FILE *out, const char *what, const int64_t bytes[2],
                      const char *note)
{
    char a[LFR_NUMBER_BYTES], b[LFR_NUMBER_BYTES];

    if (bytes[0] > 0 && bytes[1] > 0)
        size_row(out, what, lfr_bytes(a, bytes[0]), lfr_bytes(b, bytes[1]),
                 (double)bytes[0] / (double)bytes[1], note);
}

static void size(FILE *out, const struct lfr_size *s)
{
    char text[LFR_NUMBER_BYTES];

    fputs("<section>\n<h2>What it saves, and what not</h2>\n"
          "<p class=\"note\">Sharing weights saves storage: of the weights, their "
          "gradients and optimiser state, the file, and what is sent over a network. It "
          "saves no arithmetic.</p>\n"
          "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\"></th>"
          "<th scope=\"col\">before</th><th scope=\"col\">after</th>"
          "<th scope=\"col\">smaller by</th><th scope=\"col\" class=\"text "
          "wide-cell\"></th>"
          "</tr></thead>\n<tbody>\n",
          out);
    count_row(out, given(s->base) ? s->base : "weights", s->base_logical, s->base_unique,
              "what the ratio counts");
    count_row(out, "all parameters", s->logical, s->unique,
              "with those that cannot fuse: norms, biases, single layers");
    bytes_row(out, "checkpoint", s->file_bytes,
              "the file, each shared tensor stored once");
    bytes_row(out, "weights in memory", s->resident_bytes,
              "when shared tensors alias; without originals kept for undo");
    bytes_row(out, "optimiser state", s->optimiser_bytes, "momentum and the like");
    if (s->flops > 0) {
        lfr_short(text, s->flops);
        size_row(out, "FLOPs for one input", text, text, 1.0,
                 "unchanged: every layer is still computed");
    }
    fputs("</tbody></table></div>\n</section>\n", out);
}

/* ---- layers ------------------------------------------------------------------------ */

static void group(FILE *out, const struct lfr_group *g)
{
    char each[LFR_NUMBER_BYTES], saved[LFR_NUMBER_BYTES];
    int i;

    element(out, "<li><div class=\"of\"><span class=\"type\">", g->type, "</span> ");
    fprintf(out, "%d layers", g->count);
    if (g->weights > 0 && g->count > 0 && g->weights <= INT64_MAX / g->count)
        fprintf(out, "; %s weights in place of %s", lfr_count(each, g->weights),
                lfr_count(saved, g->weights * g->count));
    fputs("</div>\n<div class=\"members\">", out);
    for (i = 0; i < g->count; i++) {
        fprintf(out, "<span class=\"name%s\">", i == g->kept ? " kept" : "");
        lfr_text(out, g->names[i]);
        fputs(i == g->kept ? "<small>kept</small></span>\n" : "</span>\n", out);
    }
    fputs("</div></li>\n", out);
}

static void groups(FILE *out, const struct lfr_report *r)
{
    int i;

    fputs("<section>\n<h2>Which layers share weights</h2>\n", out);
    if (r->group_count == 0) {
        fputs("<p class=\"note\">None: every layer has weights of its own.</p>\n"
              "</section>\n",
              out);
        return;
    }
    fputs("<p class=\"note\">Each line is one set of weights and the layers that use it. "
          "<em>Kept</em> is the layer whose place in memory and in the file holds it."
          "</p>\n<ul class=\"groups\">\n",
          out);
    for (i = 0; i < r->group_count; i++)
        group(out, &r->groups[i]);
    fputs("</ul>\n</section>\n", out);
}

static void matrix(FILE *out, const struct lfr_matrix *m)
{
    element(out, "<h3>", m->type, "</h3>\n");
    fprintf(out, "<p class=\"note\">%d layers, ", m->count);
    lfr_text(out, m->metric);
    fprintf(out, " %s</p>\n<div class=\"scroll\">\n",
            m->direction == LFR_SIMILARITY ? "similarity: larger is more alike"
                                           : "distance: smaller is more alike");
    lfr_heatmap(out, m, LFR_INLINE);
    fputs("</div>\n", out);
}

static void matrices(FILE *out, const struct lfr_report *r)
{
    int i;

    fputs("<section>\n<h2>How alike the layers are</h2>\n"
          "<p class=\"note\">Only layers of one type can share weights. Each map has a "
          "scale of its own; yellow is its most alike pair.</p>\n",
          out);
    for (i = 0; i < r->matrix_count; i++)
        matrix(out, &r->matrices[i]);
    fputs("</section>\n", out);
}

static void settings(FILE *out, const struct lfr_report *r)
{
    int i;

    fputs("<section>\n<h2>Settings</h2>\n<dl>\n", out);
    for (i = 0; i < r->setting_count; i++) {
        element(out, "<dt>", r->settings[i].key, "</dt>");
        element(out, "<dd>", r->settings[i].value, "</dd>\n");
    }
    fputs("</dl>\n</section>\n", out);
}

/* ---- the whole --------------------------------------------------------------------- */

static void page(FILE *out, const void *data)
{
    const struct lfr_report *r = data;

    fputs("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
          "<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\"/>\n"
          "<meta name=\"color-scheme\" content=\"light dark\"/>\n",
          out);
    element(out, "<title>", r->title, "</title>\n<style>\n");
    lfr_style_page(out);
    lfr_style_pictures(out);
    fputs("</style>\n</head>\n<body>\n<main>\n", out);
    fputs("<header>\n", out);
    if (given(r->title))
        element(out, "<h1>", r->title, "</h1>\n");
    if (given(r->summary))
        element(out, "<p class=\"summary\">", r->summary, "</p>\n");
    facts(out, r);
    fputs("</header>\n", out);
    if (r->curve != NULL) {
        curve(out, r->curve);
        if (r->curve->step_count > 0)
            steps(out, r->curve);
        lfr_page_series(out, r->curve);
    }
    if (r->size != NULL)
        size(out, r->size);
    if (r->group_count > 0 || (r->curve != NULL && r->curve->step_count > 0) ||
        (r->size != NULL && !r->shares_rows)) /* something was fused */
        groups(out, r);
    if (r->matrix_count > 0)
        matrices(out, r);
    if (r->setting_count > 0)
        settings(out, r);
    if (given(r->made_by))
        element(out, "<footer>Made by ", r->made_by,
                ", after O\xe2\x80\x99Neill, Ver Steeg and Galstyan, "
                "\xe2\x80\x9c"
                "Compressing Deep Neural Networks via Layer Fusion\xe2\x80\x9d, "
                "2020.</footer>\n");
    fputs("</main>\n</body>\n</html>\n", out);
}

static void heatmap_alone(FILE *out, const void *data)
{
    lfr_heatmap(out, data, LFR_ALONE);
}

static void curve_alone(FILE *out, const void *data)
{
    lfr_curve(out, data, 760, 380, "", LFR_ALONE);
}

int lfr_write_html(const char *path, const struct lfr_report *report)
{
    return lfr_save(path, page, report);
}

int lfr_write_svg_heatmap(const char *path, const struct lfr_matrix *matrix)
{
    return lfr_save(path, heatmap_alone, matrix);
}

int lfr_write_svg_curve(const char *path, const struct lfr_curve *curve)
{
    return lfr_save(path, curve_alone, curve);
}
