/* page_series.c - tables of the page about several methods: their points, and where they bend */
#include "draw.h"

#include <math.h>

static void point_row(FILE *out, const struct lfr_curve *c, const struct lfr_series *s,
                      int index)
{
    const struct lfr_point *p = &s->points[index];
    const double change = p->value - c->original;
    const int worse = c->lower_is_better ? change > 0.0 : change < 0.0;
    char text[LFR_NUMBER_BYTES];

    fputs("<tr><th scope=\"row\">", out);
    lfr_text(out, index == 0 ? s->name : "");
    fprintf(out, "</th><td>%s\xc3\x97</td>", lfr_fixed(text, p->ratio, 2));
    fprintf(out, "<td class=\"mark\">%s</td>", lfr_fixed(text, p->value, 2));
    fprintf(out, "<td class=\"%s\">%s%s</td></tr>\n",
            worse && fabs(change) >= 0.005 ? "down" : "", change >= 0.005 ? "+" : "",
            lfr_fixed(text, change, 2));
}

static void points(FILE *out, const struct lfr_curve *c)
{
    int i, k;

    fputs("<section>\n<h2>Every method</h2>\n<p class=\"note\">Values are ", out);
    lfr_text(out, c->metric);
    if (c->unit != NULL && c->unit[0] != '\0') {
        fputs(" in ", out);
        lfr_text(out, c->unit);
    }
    fputs(", after all training.</p>\n<div class=\"scroll\"><table>\n<thead><tr>"
          "<th scope=\"col\">method</th><th scope=\"col\">ratio</th>"
          "<th scope=\"col\">value</th><th scope=\"col\">against original</th>"
          "</tr></thead>\n<tbody>\n",
          out);
    for (k = 0; k < c->series_count; k++)
        for (i = 0; i < c->series[k].count; i++)
            point_row(out, c, &c->series[k], i);
    fputs("</tbody></table></div>\n</section>\n", out);
}

/* "2.10x" and the share of weights that is gone there, "52 %". */
static void bend_row(FILE *out, const char *name, const struct lfr_bend *b)
{
    char at[LFR_NUMBER_BYTES], low[LFR_NUMBER_BYTES], high[LFR_NUMBER_BYTES],
        gone[LFR_NUMBER_BYTES];

    fputs("<tr><th scope=\"row\">", out);
    lfr_text(out, name);
    fprintf(out,
            "</th><td class=\"mark\">%s\xc3\x97</td><td>%s to %s\xc3\x97</td>"
            "<td>%s\xc2\xa0%%</td></tr>\n",
            lfr_fixed(at, b->ratio, 2), lfr_fixed(low, b->low, 2),
            lfr_fixed(high, b->high, 2),
            lfr_fixed(gone, 100.0 * (1.0 - 1.0 / b->ratio), 0));
}

static void bends(FILE *out, const struct lfr_curve *c)
{
    int i;

    fputs("<section>\n<h2>Where the curves bend</h2>\n<p class=\"note\">Two straight "
          "lines fitted to a curve, over the share of weights that is gone, meet there: "
          "past it quality falls off. It lies in the interval at 95 % confidence, as far "
          "as so few points can tell.</p>\n<div class=\"scroll\"><table>\n<thead><tr>"
          "<th scope=\"col\">curve</th><th scope=\"col\">bends at</th>"
          "<th scope=\"col\">interval</th><th scope=\"col\">weights gone</th>"
          "</tr></thead>\n<tbody>\n",
          out);
    if (c->bend != NULL)
        bend_row(out, "fusion", c->bend);
    for (i = 0; i < c->series_count; i++)
        if (c->series[i].bend != NULL)
            bend_row(out, c->series[i].name, c->series[i].bend);
    fputs("</tbody></table></div>\n</section>\n", out);
}

void lfr_page_series(FILE *out, const struct lfr_curve *c)
{
    if (c->series_count > 0)
        points(out, c);
    if (lfr_bend_count(c) > 0)
        bends(out, c);
}
