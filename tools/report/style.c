/*
 * style.c - what page and pictures look like: one set of colours for light, one for dark
 *
 * Pictures name colours outright, not by CSS variables, because a picture alone is read
 * by programs that do not know them. Lines and points are told apart by shape as well as
 * by colour.
 */
#include "draw.h"

/* Property values of the pictures' classes. */
static const struct rule {
    const char *selector;
    const char *property;
    const char *light;
    const char *dark;
} rules[] = {
    {".lfr-ground", "fill", "#fdfdfc", "#161618"},
    {"", "fill", "#3a3a38", "#d6d6d2"}, /* text */
    {".lfr-strong", "fill", "#161614", "#f2f2ee"},
    {".lfr-faint", "fill", "#6c6c68", "#9b9b96"},
    {".lfr-same", "fill", "#ecece8", "#29292c"}, /* a layer and itself; not comparable */
    {".lfr-none", "stroke", "#b4b4ae", "#55555a"},
    {".lfr-grid", "stroke", "#e6e6e1", "#2b2b2e"},
    {".lfr-axis", "stroke", "#b4b4ae", "#55555a"},
    {".lfr-original", "stroke", "#8a8a84", "#8a8a84"},
    {".lfr-line", "stroke", "#0b62a4", "#6cb4ee"},
    {".lfr-dot", "fill", "#0b62a4", "#6cb4ee"},
    {".lfr-drop", "stroke", "#c2570c", "#f0985a"},
    {".lfr-ring", "stroke", "#c2570c", "#f0985a"},
    {".lfr-ring", "fill", "#fdfdfc", "#161618"},
    {".lfr-low", "fill", "#a84a08", "#f0985a"},
    {".lfr-s0", "stroke", "#007a5a", "#3ecfa3"},
    {".lfr-s1", "stroke", "#a4447f", "#e09ac4"},
    {".lfr-s2", "stroke", "#8a6d00", "#e0c341"},
    {".lfr-s3", "stroke", "#4b4b9e", "#a9a9f0"},
    {".lfr-s4", "stroke", "#6c6c68", "#b5b5b0"},
};

static void put_rules(FILE *out, int dark)
{
    size_t i;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        fprintf(out, ".lfr %s{%s:%s}\n",
                rules[i].selector[0] ? rules[i].selector : "text", rules[i].property,
                dark ? rules[i].dark : rules[i].light);
}

void lfr_style_pictures(FILE *out)
{
    fputs(".lfr{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',"
          "Arial,sans-serif;font-size:12px;font-variant-numeric:tabular-nums}\n"
          ".lfr .lfr-name{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"
          "'DejaVu Sans Mono',monospace}\n"
          ".lfr .lfr-line,.lfr .lfr-series{fill:none;stroke-width:2;"
          "stroke-linejoin:round}\n"
          ".lfr .lfr-series{stroke-width:1.5}\n"
          ".lfr .lfr-ring{stroke-width:1.75}\n"
          ".lfr .lfr-drop{stroke-width:1.25}\n"
          ".lfr .lfr-original{stroke-width:1.25;stroke-dasharray:5 4}\n",
          out);
    put_rules(out, 0);
    fputs("@media (prefers-color-scheme:dark){\n", out);
    put_rules(out, 1);
    /* Numbers in cells go by the cell's colour, which does not change. */
    fputs("}\n.lfr .lfr-on-dark{fill:#fff}\n.lfr .lfr-on-light{fill:#111}\n", out);
}

void lfr_style_page(FILE *out)
{
    fputs(
        ":root{color-scheme:light dark;--ground:#fdfdfc;--raised:#f5f5f2;--ink:#242422;"
        "--strong:#161614;--faint:#6c6c68;--line:#e6e6e1;--accent:#0b62a4;"
        "--down:#a84a08}\n"
        "@media (prefers-color-scheme:dark){:root{--ground:#161618;--raised:#1f1f22;"
        "--ink:#d6d6d2;--strong:#f2f2ee;--faint:#9b9b96;--line:#2f2f33;"
        "--accent:#6cb4ee;--down:#f0985a}}\n"
        "*{box-sizing:border-box}\n"
        "html{-webkit-text-size-adjust:100%}\n"
        "body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.6 system-ui,"
        "-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
        "font-variant-numeric:tabular-nums}\n"
        "main{max-width:60rem;margin:0 auto;padding:4.5rem 2rem 5rem}\n"
        "h1{margin:0;color:var(--strong);font-size:2.1rem;line-height:1.2;"
        "font-weight:650;letter-spacing:-.018em;overflow-wrap:anywhere}\n"
        "h2{margin:4.25rem 0 .35rem;color:var(--strong);font-size:1.25rem;"
        "font-weight:650;letter-spacing:-.008em;line-height:1.3}\n"
        "h3{margin:2.5rem 0 .1rem;color:var(--strong);font-size:1rem;font-weight:600;"
        "overflow-wrap:anywhere}\n"
        "p{margin:.2rem 0 1rem;max-width:42rem}\n"
        ".summary{margin:.8rem 0 0;font-size:1.075rem;color:var(--faint);"
        "overflow-wrap:anywhere}\n"
        ".note{color:var(--faint);font-size:.9375rem}\n"
        ".name{font:.8125rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"
        "'DejaVu Sans Mono',monospace;overflow-wrap:anywhere;unicode-bidi:isolate}\n"
        ".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));"
        "gap:1.5rem 2.25rem;margin:2.75rem 0 0;padding:1.75rem 0;list-style:none;"
        "border-top:1px solid var(--line);border-bottom:1px solid var(--line)}\n"
        ".facts b{display:block;color:var(--strong);font-size:1.75rem;font-weight:600;"
        "line-height:1.2;letter-spacing:-.02em;overflow-wrap:anywhere}\n"
        ".facts span{display:block;margin-top:.25rem;color:var(--faint);"
        "font-size:.875rem;line-height:1.45}\n"
        ".scroll{overflow-x:auto;margin:1.25rem 0 0;padding-bottom:.25rem}\n"
        ".scroll svg,.chart{display:block}\n"
        ".chart{margin-top:1.25rem;max-width:100%;height:auto}\n"
        ".narrow{display:none}\n"
        "table{border-collapse:collapse;width:100%;font-size:.9375rem}\n"
        "th,td{padding:.6rem 0 .6rem 1.5rem;text-align:right;vertical-align:baseline;"
        "border-bottom:1px solid var(--line);white-space:nowrap}\n"
        "th:first-child,td:first-child{padding-left:0;text-align:left}\n"
        "thead th{color:var(--faint);font-size:.8125rem;font-weight:500;"
        "white-space:normal;vertical-align:bottom;line-height:1.35}\n"
        "tbody th{font-weight:400}\n"
        "td.text,th.text{text-align:left;white-space:normal;color:var(--faint);"
        "font-size:.875rem;line-height:1.45}\n"
        "td.mark{color:var(--strong);font-weight:600}\n"
        "td.down{color:var(--down)}\n"
        ".groups{margin:1.25rem 0 0;padding:0;list-style:none}\n"
        ".groups li{display:grid;grid-template-columns:13rem 1fr;gap:.35rem 1.5rem;"
        "padding:.8rem 0;border-bottom:1px solid var(--line)}\n"
        ".groups .of{color:var(--faint);font-size:.875rem;line-height:1.55}\n"
        ".groups .of .type{display:block;color:var(--ink);font-size:.9375rem;"
        "overflow-wrap:anywhere}\n"
        ".members{display:flex;flex-wrap:wrap;gap:.4rem;align-items:flex-start}\n"
        ".members .name{padding:.15rem .55rem;border-radius:.3rem;"
        "background:var(--raised)}\n"
        ".members .kept{background:none;box-shadow:inset 0 0 0 1.5px var(--accent);"
        "color:var(--strong)}\n"
        ".kept small{margin-left:.5rem;color:var(--accent);font:600 .6875rem system-ui,"
        "sans-serif;letter-spacing:.04em}\n"
        "dl{display:grid;grid-template-columns:13rem 1fr;margin:1.25rem 0 0;"
        "font-size:.9375rem}\n"
        "dt,dd{margin:0;padding:.5rem 0;border-bottom:1px solid var(--line);"
        "overflow-wrap:anywhere}\n"
        "dt{padding-right:1.5rem;color:var(--faint)}\n"
        "footer{margin-top:4.5rem;color:var(--faint);font-size:.8125rem}\n"
        "@media (max-width:40rem){main{padding:2.5rem 1.25rem 3.5rem}h1{font-size:1.6rem}"
        "h2{margin-top:3.25rem}.facts{grid-template-columns:1fr 1fr;gap:1.25rem 1.25rem}"
        ".facts "
        "b{font-size:1.4rem}.wide,.wide-cell{display:none!important}.narrow{display:"
        "block}"
        ".groups li{grid-template-columns:1fr;padding:1rem 0}tbody th{white-space:normal}"
        "dl{grid-template-columns:8.5rem 1fr}"
        "th,td{padding-left:.9rem}}\n"
        "@media print{main{padding:0;max-width:none}h2{break-after:avoid}"
        ".scroll{overflow:visible}}\n",
        out);
}

void lfr_svg_begin(FILE *out, double width, double height, const char *css_class,
                   const char *what, const char *of, int alone)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lfr %s\" width=\"%.0f\" "
            "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s",
            css_class, width, height, width, height, what);
    lfr_text(out, of);
    fputs("\">\n", out);
    if (!alone)
        return;
    fputs("<style>\n", out);
    lfr_style_pictures(out);
    fprintf(out,
            "</style>\n<rect class=\"lfr-ground\" width=\"%.0f\" height=\"%.0f\" "
            "rx=\"6\"/>\n",
            width, height);
}

void lfr_svg_end(FILE *out)
{
    fputs("</svg>\n", out);
}
