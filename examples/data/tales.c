/* tales.c - see tales.h */
#include "data/tales.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "random.h"

enum { TALE_MOST = 1024 /* bytes of a tale */ };

static const char *const names[] = {"Anna",  "Boris", "Clara", "David", "Emma",
                                    "Felix", "Greta", "Henry", "Ida",   "Jonas"};
static const char *const trades[] = {"miller", "weaver", "fisher", "baker",
                                     "potter", "smith",  "tailor", "shepherd"};
static const char *const places[] = {"by the river",        "in the valley",
                                     "under the hill",      "at the edge of the forest",
                                     "near the old bridge", "behind the mill"};
static const char *const things[] = {"a red boat",      "a warm coat",   "a sharp knife",
                                     "a long rope",     "a white goose", "a new lamp",
                                     "a sack of flour", "a quiet horse"};
static const char *const others[] = {"the fox",  "the old woman", "the king",
                                     "the bear", "the crow",      "the merchant"};
static const char *const reasons[] = {"the winter was near", "the days were short",
                                      "the road was long", "the house was empty",
                                      "the market was on Monday"};

struct tale {
    uint64_t number;
    uint64_t draws;
    const char *name, *trade, *place, *thing, *first, *second, *reason;
};

static uint64_t draw(struct tale *t, uint64_t below)
{
    return random_bits(7, t->number, t->draws++) % below;
}

#define PICK(tale, list) (list)[draw(tale, sizeof(list) / sizeof((list)[0]))]

static void begin(struct tale *t, uint64_t number)
{
    *t = (struct tale){.number = number};
    t->name = PICK(t, names);
    t->trade = PICK(t, trades);
    t->place = PICK(t, places);
    t->thing = PICK(t, things);
    t->first = PICK(t, others);
    do
        t->second = PICK(t, others);
    while (t->second == t->first);
    t->reason = PICK(t, reasons);
}

/* "a red boat": "the red boat" */
static const char *after_article(const char *thing)
{
    return thing + 2;
}

static int opening(struct tale *t, char *to, size_t size)
{
    switch (draw(t, 3)) {
    case 0:
        return snprintf(to, size, "%s the %s lived %s and wanted %s, for %s. ", t->name,
                        t->trade, t->place, t->thing, t->reason);
    case 1:
        return snprintf(to, size, "There was a %s called %s who lived %s. %s wanted %s. ",
                        t->trade, t->name, t->place, t->name, t->thing);
    default:
        return snprintf(to, size, "Once %s was a %s %s. Because %s, %s wanted %s. ",
                        t->name, t->trade, t->place, t->reason, t->name, t->thing);
    }
}

static int asking(struct tale *t, const char *other, char *to, size_t size)
{
    static const char *const words[] = {"said", "answered", "laughed and said"};
    static const char *const answers[] = {"I have none", "come back tomorrow",
                                          "ask somebody else", "what will you give me"};
    const char *verb = PICK(t, words), *answer = PICK(t, answers);

    return snprintf(to, size, "So %s went to %s and asked for %s. \"%s,\" %s %s. ",
                    t->name, other, t->thing, answer, verb, other);
}

static int ending(struct tale *t, char *to, size_t size)
{
    switch (draw(t, 3)) {
    case 0:
        return snprintf(to, size,
                        "In the end %s gave the %s to %s, and the %s was glad.\n",
                        t->second, after_article(t->thing), t->name, t->trade);
    case 1:
        return snprintf(to, size,
                        "Then %s went home without the %s and slept %s until noon.\n",
                        t->name, after_article(t->thing), t->place);
    default:
        return snprintf(to, size, "So %s the %s made %s alone, and showed it to %s.\n",
                        t->name, t->trade, t->thing, t->first);
    }
}

static int write_tale(uint64_t number, char *to)
{
    struct tale t;
    int n;

    begin(&t, number);
    n = opening(&t, to, TALE_MOST);
    n += asking(&t, t.first, to + n, (size_t)(TALE_MOST - n));
    n += asking(&t, t.second, to + n, (size_t)(TALE_MOST - n));
    return n + ending(&t, to + n, (size_t)(TALE_MOST - n));
}

static lfuse_status write_text(struct text *text, int64_t tales, uint64_t first,
                               lfuse_error *err)
{
    int64_t i;

    text->bytes = malloc((size_t)(tales * TALE_MOST));
    if (text->bytes == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %lld tales",
                            (long long)tales);
    for (i = 0; i < tales; i++)
        text->size += write_tale(first + (uint64_t)i, text->bytes + text->size);
    return LFUSE_OK;
}

lfuse_status tales_write(struct text_sets *sets, lfuse_error *err)
{
    lfuse_status status = write_text(&sets->train, TALES_TRAIN, 0, err);

    if (status == LFUSE_OK)
        status = write_text(&sets->valid, TALES_VALID, 1 << 20, err);
    if (status == LFUSE_OK)
        status = write_text(&sets->test, TALES_TEST, 2 << 20, err);
    return status;
}
