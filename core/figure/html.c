/* Writes a report's page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/canvas.h"
#include "figure/report.h"

/* One column on every screen; figures stay on white paper, so that their colours hold in the dark, too. */
static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1b1b;--faint:#5f5f5f;--line:#dcdcdc;--shade:#f4f4f2;"
    "--link:#0072b2;--bad:#a32020}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#16181b;--ink:#e6e6e3;--faint:#a3a3a0;--line:#3a3d42;"
    "--shade:#202327;--link:#7cc0ee;--bad:#ff9c8f}}\n"
    "*{box-sizing:border-box}\n"
    "body{overflow-wrap:anywhere;margin:0 auto;padding:2rem 1rem 4rem;max-width:64rem;background:var(--paper);"
    "color:var(--ink);font:16px/1.5 system-ui,'Helvetica Neue',Arial,sans-serif}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem}h2{font-size:1.2rem;margin:2.5rem 0 .7rem;"
    "padding-top:.8rem;border-top:1px solid var(--line)}h3{font-size:1rem;margin:0 0 .5rem}\n"
    ".faint,figcaption{color:var(--faint);font-size:.9rem}.bad{color:var(--bad)}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem;margin:1rem 0}dd,dl{margin-left:0}"
    "dt{color:var(--faint)}\n"
    ".wide{overflow-x:auto;max-width:100%}\n"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .7rem;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}"
    "th{vertical-align:bottom;font-weight:600}.n{text-align:right}\n"
    "th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}"
    "th button::after{content:'\\2195';opacity:.35;padding-left:.3em}"
    "th[aria-sort=ascending] button::after{content:'\\2191';opacity:1}"
    "th[aria-sort=descending] button::after{content:'\\2193';opacity:1}\n"
    "figure{margin:0 0 2rem}figure>div{background:#fff;border-radius:6px;padding:6px;width:max-content;"
    "max-width:100%}svg{display:block;max-width:100%;height:auto}\n"
    "pre{background:var(--shade);padding:.8rem 1rem;overflow-x:auto;font-size:.82rem;line-height:1.4;"
    "border-radius:6px}summary{cursor:pointer}\n"
    "@media print{body{max-width:none;padding:0;font-size:10pt}h2{break-after:avoid}figure,tr{break-inside:avoid}"
    "pre{white-space:pre-wrap}th button::after{content:''}.wide{overflow:visible}}\n";

/* A click on a head sorts by its column, another one the other way; rows without a value stay last. */
static const char script[] =
    "document.querySelectorAll('table.sorts').forEach(function(table){\n"
    "  table.querySelectorAll('th').forEach(function(head,column){\n"
    "    var button=head.querySelector('button');\n"
    "    if(!button)return;\n"
    "    button.addEventListener('click',function(){\n"
    "      var up=head.getAttribute('aria-sort')!=='ascending',body=table.tBodies[0];\n"
    "      var number=head.classList.contains('n');\n"
    "      table.querySelectorAll('th').forEach(function(other){other.removeAttribute('aria-sort')});\n"
    "      head.setAttribute('aria-sort',up?'ascending':'descending');\n"
    "      Array.from(body.rows).sort(function(a,b){\n"
    "        var x=a.cells[column].textContent,y=b.cells[column].textContent;\n"
    "        if(!number)return (up?1:-1)*x.localeCompare(y,'en',{numeric:true});\n"
    "        x=parseFloat(x);y=parseFloat(y);\n"
    "        if(isNaN(x)||isNaN(y))return isNaN(x)-isNaN(y);\n"
    "        return up?x-y:y-x;\n"
    "      }).forEach(function(row){body.appendChild(row)});\n"
    "    });\n"
    "  });\n"
    "});\n";

static void element(struct text *out, const char *open, const char *text, const char *close)
{
    text_add_string(out, open);
    svg_escape(out, text);
    text_add_string(out, close);
}

/* What may be wider than the page scrolls in a frame of its own. */
static void open_wide(struct text *out, const char *what)
{
    element(out, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"", what, "\">");
}

static void write_table(struct text *out, const struct report_table *table, const char *what)
{
    open_wide(out, what);
    text_add_string(out, "<table class=\"sorts\"><thead><tr>");
    for (size_t c = 0; c < table->columns; c++) {
        text_format(out, "<th scope=\"col\"%s>", table->number[c] ? " class=\"n\"" : "");
        if (table->text[c] && table->text[c][0])
            element(out, "<button type=\"button\">", table->text[c], "</button>");
        text_add_string(out, "</th>");
    }
    text_add_string(out, "</tr></thead>\n<tbody>\n");
    for (size_t r = 1; r <= table->rows; r++) {
        text_add_string(out, "<tr>");
        for (size_t c = 0; c < table->columns; c++)
            element(out, table->number[c] ? "<td class=\"n\">" : "<td>",
                    table->text[r * table->columns + c] ? table->text[r * table->columns + c] : "", "</td>");
        text_add_string(out, "</tr>\n");
    }
    text_add_string(out, "</tbody></table></div>\n");
}

/* Title, caption and the experiment's name stand in the page: the drawing goes without. */
static int write_figure(struct text *out, const struct report *report, size_t index, struct iso_error *err)
{
    const struct report_figure *shown = &report->figures[index];
    struct iso_error failed = ERROR_NONE;
    char id[32], *svg = NULL;
    size_t length;
    snprintf(id, sizeof id, "figure-%zu", index + 1);
    element(out, "<figure>\n<h3>", shown->name, "</h3>\n");
    if (shown->figure) {
        struct figure bare = *shown->figure;
        bare.caption = NULL;
        if (bare.title && report->title && !strcmp(bare.title, report->title))
            bare.title = NULL;
        svg = figure_render(&bare, FIGURE_SVG, 0, 0, id, &length, &failed);
        if (svg)
            text_format(out, "<div>%s</div>\n", svg);
        if (shown->figure->caption)
            element(out, "<figcaption>", shown->figure->caption, "</figcaption>\n");
    }
    if (!svg)
        element(out, "<p class=\"bad\">Not drawn: ", shown->figure ? failed.text : shown->missing ? shown->missing : "",
                "</p>\n");
    text_add_string(out, "</figure>\n");
    free(svg);
    return out->failed ? error_memory(err) : 0;
}

static void number_cell(struct text *out, double value, const char *none)
{
    if (isnan(value))
        text_format(out, "<td class=\"n\">%s</td>", none);
    else
        text_format(out, "<td class=\"n\">%.5g</td>", value);
}

/* The fitted laws of all figures. */
static void write_laws(struct text *out, const struct report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->figure_count; i++)
        count += report->figures[i].figure ? report->figures[i].figure->law_count : 0;
    if (!count)
        return;
    text_add_string(out, "<h2>Exponents</h2>\n");
    open_wide(out, "Exponents");
    text_add_string(out, "<table><thead><tr><th>figure</th><th>of</th><th>law</th><th class=\"n\">a</th>"
                         "<th class=\"n\">exponent b</th><th class=\"n\">standard error</th>"
                         "<th class=\"n\">95 % interval</th><th>by</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < report->figure_count; i++)
        for (size_t k = 0; report->figures[i].figure && k < report->figures[i].figure->law_count; k++) {
            const struct figure_law *law = &report->figures[i].figure->laws[k];
            element(out, "<tr><td>", report->figures[i].name, "</td>");
            element(out, "<td>", law->of ? law->of : "all", "</td>");
            element(out, "<td>", law->formula, "</td>");
            number_cell(out, law->factor, "");
            number_cell(out, law->exponent, "");
            number_cell(out, law->error, "");
            if (isnan(law->low) || isnan(law->high))
                text_add_string(out, "<td class=\"n\"></td>");
            else
                text_format(out, "<td class=\"n\">%.5g to %.5g</td>", law->low, law->high);
            element(out, "<td>", law->how ? law->how : "least squares; without several seeds no interval",
                    "</td></tr>\n");
        }
    text_add_string(out, "</tbody></table></div>\n");
}

static void write_text_block(struct text *out, const char *heading, const char *text, bool folded)
{
    if (!text || !text[0])
        return;
    element(out, "<h2>", heading, "</h2>\n");
    element(out, folded ? "<details><summary>show</summary>\n<pre>" : "<pre>", text, "</pre>\n");
    if (folded)
        text_add_string(out, "</details>\n");
}

char *report_html(const struct report *report, size_t *length, struct iso_error *err)
{
    struct text out = { 0 };
    const char *title = report->title && report->title[0] ? report->title : report->name;
    text_add_string(&out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
                          "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<link rel=\"icon\" href=\"data:,\">\n");
    element(&out, "<title>", title, "</title>\n");
    text_format(&out, "<style>\n%s</style>\n</head>\n<body>\n<header>\n", style);
    element(&out, "<h1>", title, "</h1>\n");
    if (report->state)
        element(&out, "<p class=\"faint\">", report->state, "</p>\n");
    text_add_string(&out, "<dl>\n");
    for (size_t i = 0; report->facts && report->facts[i]; i += 2) {
        element(&out, "<dt>", report->facts[i], "</dt>");
        element(&out, "<dd>", report->facts[i + 1], "</dd>\n");
    }
    text_add_string(&out, "</dl>\n</header>\n<main>\n");
    if (report->results.columns) {
        text_add_string(&out, "<h2>Results</h2>\n");
        write_table(&out, &report->results, "Results");
        if (report->results_note)
            element(&out, "<p class=\"faint\">", report->results_note, "</p>\n");
    }
    if (report->figure_count)
        text_add_string(&out, "<h2>Figures</h2>\n");
    for (size_t i = 0; i < report->figure_count; i++)
        if (write_figure(&out, report, i, err)) {
            text_free(&out);
            return NULL;
        }
    write_laws(&out, report);
    if (report->failures.rows) {
        text_add_string(&out, "<h2>Failures</h2>\n");
        write_table(&out, &report->failures, "Failures");
    }
    write_text_block(&out, "Remarks on the method", report->remarks, false);
    write_text_block(&out, "Recipe", report->recipe, false);
    write_text_block(&out, "Provenance", report->provenance, false);
    text_format(&out, "</main>\n<script>\n%s</script>\n</body>\n</html>\n", script);
    *length = out.length;
    char *html = text_take(&out);
    if (!html)
        error_memory(err);
    return html;
}
