/* networks.c - training steps and inference of CIFAR networks, batches of 128 and of one */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "measure.h"
#include "network.h"
#include "torch.h"

static void run_train(void *arg)
{
    lfuse_error err;

    check(network_train(arg, &err), &err);
}

static void run_infer(void *arg)
{
    lfuse_error err;

    check(network_infer(arg, &err), &err);
}

static void bench_network(struct bench *b, const char *what, const char *name,
                          int64_t batch)
{
    const int train = strcmp(what, "train") == 0;
    struct contender contenders[MOST_CONTENDERS] = {
        {.name = "layerfuse", .run = train ? run_train : run_infer, .error = NAN}};
    char command[64], label[64];
    struct network net;
    lfuse_error err;
    int count = 1;

    snprintf(label, sizeof(label), "%s_%d", name, (int)batch);
    if (!wanted(b, label))
        return;
    check(network_create(b->ctx, name, batch, train ? CNN_TRAINING : CNN_INFERENCE, &net,
                         &err),
          &err);
    contenders[0].arg = &net;
    snprintf(command, sizeof(command), "%s %s %d", what, name, (int)batch);
    count += torch_contend(b->torch, command, contenders + 1);
    count = measure(b, contenders, count);
    /* backward: to the data and to the weights, each as much again */
    report(b, what, label, contenders, count, (train ? 3.0 : 1.0) * network_flops(&net),
           (double)batch);
    network_destroy(&net);
}

void bench_networks(struct bench *b, const char *what)
{
    static const char *const names[] = {"resnet20", "resnet56", "vgg16"};
    int i;

    for (i = 0; i < 3; i++) {
        bench_network(b, what, names[i], 128);
        if (strcmp(what, "infer") == 0)
            bench_network(b, what, names[i], 1);
    }
}
