/* test_report.c - how reports reach their files, and how numbers and strings reach people */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "draw.h"
#include "sample.h"

struct folder {
    char path[64];
    char file[128];
};

static int make_folder(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    strcpy(f->path, "/tmp/lfr_test.XXXXXX");
    if (mkdtemp(f->path) == NULL)
        return -1;
    snprintf(f->file, sizeof(f->file), "%s/report.html", f->path);
    *state = f;
    return 0;
}

/* Files in the folder; deletes them when told to. */
static int count_files(const struct folder *f, int delete)
{
    DIR *dir = opendir(f->path);
    struct dirent *entry;
    char path[512];
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        snprintf(path, sizeof(path), "%s/%s", f->path, entry->d_name);
        if (delete)
            remove(path);
    }
    closedir(dir);
    return count;
}

static int remove_folder(void **state)
{
    struct folder *f = *state;

    count_files(f, 1);
    rmdir(f->path);
    free(f);
    return 0;
}

static char *read_file(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    size_t size;

    assert_non_null(file);
    size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

static const struct lfr_report *report(void)
{
    static struct sample s;

    sample_report(&s);
    return &s.report;
}

static void a_new_file_is_whole_and_alone(void **state)
{
    struct folder *f = *state;
    const char *text;

    assert_int_equal(lfr_write_html(f->file, report()), 0);
    text = read_file(f->file);
    assert_memory_equal(text, "<!DOCTYPE html>", 15);
    assert_string_equal(text + strlen(text) - 8, "</html>\n");
    assert_int_equal(count_files(f, 0), 1);
}

static void an_old_file_keeps_its_rights_and_links(void **state)
{
    struct folder *f = *state;
    struct stat info;
    char link[128];
    FILE *file = fopen(f->file, "w");

    assert_non_null(file);
    fputs("old", file);
    fclose(file);
    assert_int_equal(chmod(f->file, 0640), 0);
    snprintf(link, sizeof(link), "%s/link", f->path);
    assert_int_equal(symlink(f->file, link), 0);

    assert_int_equal(lfr_write_html(link, report()), 0);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(f->file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_memory_equal(read_file(f->file), "<!DOCTYPE html>", 15);
    assert_int_equal(count_files(f, 0), 2);
}

static void failures_are_an_errno_and_leave_nothing(void **state)
{
    struct folder *f = *state;
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/missing/report.html", f->path);
    assert_int_equal(lfr_write_html(path, report()), ENOENT);
    assert_int_equal(lfr_write_html(f->path, report()), EISDIR);
    assert_int_equal(count_files(f, 0), 0);

    file = fopen(f->file, "w");
    assert_non_null(file);
    fputs("old", file);
    fclose(file);
    snprintf(path, sizeof(path), "%s/report.html/x.html", f->path);
    assert_int_equal(lfr_write_svg_curve(path, report()->curve), ENOTDIR);
    assert_string_equal(read_file(f->file), "old");
}

static void a_device_is_written_to_and_stays_a_device(void **state)
{
    struct stat info;

    (void)state;
    if (stat("/dev/full", &info) != 0 || !S_ISCHR(info.st_mode))
        skip();
    assert_int_equal(lfr_write_html("/dev/full", report()), ENOSPC);
    assert_int_equal(lfr_write_html("/dev/null", report()), 0);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void the_same_data_writes_the_same_bytes_in_any_locale(void **state)
{
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    struct folder *f = *state;
    char *first, *before;
    size_t i;

    assert_int_equal(lfr_write_svg_curve(f->file, report()->curve), 0);
    first = strdup(read_file(f->file));
    assert_non_null(first);
    before = strdup(setlocale(LC_ALL, NULL));
    assert_non_null(before);
    for (i = 0; i < sizeof(commas) / sizeof(commas[0]); i++)
        if (setlocale(LC_ALL, commas[i]) != NULL)
            break;
    assert_int_equal(lfr_write_svg_curve(f->file, report()->curve), 0);
    assert_string_equal(read_file(f->file), first);
    setlocale(LC_ALL, before);
    free(before);
    free(first);
}

static void numbers_have_three_digits_that_count(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.0, "0"},          {-0.0, "0"},           {1.0, "1.00"},
                 {12.345, "12.3"},    {-123.6, "\u2212124"}, {0.98765, "0.988"},
                 {0.03125, "0.0312"}, {1.2e-7, "1.20e-07"},  {123456.0, "1.23e+05"},
                 {NAN, "\u2013"},     {INFINITY, "\u221e"}};
    char text[LFR_NUMBER_BYTES];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(lfr_value(text, cases[i].value), cases[i].text);
    assert_string_equal(lfr_fixed(text, -0.004, 2), "0.00");
    assert_string_equal(lfr_fixed(text, -0.006, 2), "\u22120.01");
    assert_string_equal(lfr_count(text, 0), "0");
    assert_string_equal(lfr_count(text, 999), "999");
    assert_string_equal(lfr_count(text, 1000), "1,000");
    assert_string_equal(lfr_count(text, -1234567), "-1,234,567");
    assert_string_equal(lfr_count(text, INT64_MIN), "-9,223,372,036,854,775,808");
    assert_string_equal(lfr_bytes(text, 999), "999 B");
    assert_string_equal(lfr_bytes(text, 1089536), "1.09 MB");
    assert_string_equal(lfr_bytes(text, 999949), "1.00 MB");
    assert_string_equal(lfr_bytes(text, INT64_MAX), "9.22 EB");
    assert_string_equal(lfr_short(text, 81800000), "81.8 M");
}

static const char *escaped(const char *text, int most)
{
    static char got[256];
    FILE *out = fmemopen(got, sizeof(got), "w");

    assert_non_null(out);
    if (most > 0)
        lfr_text_fit(out, text, most);
    else
        lfr_text(out, text);
    fputc('\0', out);
    fclose(out);
    return got;
}

static void text_is_escaped_and_made_valid(void **state)
{
    (void)state;
    assert_string_equal(escaped("<a href=\"x\" b='y'>&", 0),
                        "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
    assert_string_equal(escaped(NULL, 0), "");
    assert_string_equal(escaped("h\u00e9 \u5c42 \U0001f600\t", 0),
                        "h\u00e9 \u5c42 \U0001f600\t");
    assert_string_equal(escaped("\x01|\x7f|\xff|\xc3", 0), "\ufffd|\ufffd|\ufffd|\ufffd");
    /* Too long a form, a surrogate, above the last character, a non-character, turned text. */
    assert_string_equal(escaped("\xe0\x80\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xef\xbf\xbe|"
                                "\xe2\x80\xae",
                                0),
                        "\ufffd|\ufffd|\ufffd|\ufffd|\ufffd");
    assert_int_equal(lfr_text_length("h\u00e9\u5c42"), 3);
    assert_string_equal(escaped("layer1.conv", 11), "layer1.conv");
    assert_string_equal(escaped("layer1.conv2", 7), "lay\u2026nv2");
    assert_string_equal(escaped("<<<<<\u00e9\u00e9\u00e9", 5),
                        "&lt;&lt;\u2026\u00e9\u00e9");
}

int main(void)
{
#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        in_folder(a_new_file_is_whole_and_alone),
        in_folder(an_old_file_keeps_its_rights_and_links),
        in_folder(failures_are_an_errno_and_leave_nothing),
        cmocka_unit_test(a_device_is_written_to_and_stays_a_device),
        in_folder(the_same_data_writes_the_same_bytes_in_any_locale),
        cmocka_unit_test(numbers_have_three_digits_that_count),
        cmocka_unit_test(text_is_escaped_and_made_valid),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
