"""references.py - every metric once more, by NumPy, SciPy and POT, as its definition says it

Nothing here is like the library does it: covariances and kernels are formed whole, matrix roots
are SciPy's, plans are POT's. Matrices are f64; options have the library's names and defaults.
"""

import numpy as np
import ot
import scipy.cluster.hierarchy as hierarchy
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.spatial.distance as distance


def euclidean(a, c, o):
    return distance.euclidean(a.ravel(), c.ravel())


def cosine(a, c, o):
    return a.ravel() @ c.ravel() / (np.linalg.norm(a) * np.linalg.norm(c))


# ---- centred kernel alignment: Kornblith et al. 2019, Song et al. 2007


def alignment(k, l, hsic):
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


def hsic_biased(k, l):
    h = np.eye(len(k)) - 1.0 / len(k)
    return np.trace(k @ h @ l @ h)


def hsic_unbiased(k, l):
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    return (np.trace(k @ l) + k.sum() * l.sum() / ((n - 1) * (n - 2))
            - 2 * (k @ l).sum() / (n - 2)) / (n * (n - 3))


def rbf(x, bandwidth):
    square = distance.squareform(distance.pdist(x, "sqeuclidean"))
    return np.exp(-square / (2 * bandwidth ** 2 * np.median(square)))


def centred(x):  # takes from the kernels what cancels anyway
    return x - x.mean(0)


def linear_cka(a, c, o):
    a, c = centred(a), centred(c)
    return (np.linalg.norm(c.T @ a) ** 2
            / (np.linalg.norm(a.T @ a) * np.linalg.norm(c.T @ c)))


def rbf_cka(a, c, o):
    return alignment(rbf(a, o["bandwidth"]), rbf(c, o["bandwidth"]), hsic_biased)


def debiased_cka(a, c, o):
    a, c = centred(a), centred(c)
    return alignment(a @ a.T, c @ c.T, hsic_unbiased)


def procrustes(a, c, o):
    width = max(a.shape[1], c.shape[1])  # columns of zeros turn with the others
    a, c = (np.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (a, c))
    q, _ = scipy.linalg.orthogonal_procrustes(a, c)
    return np.linalg.norm(a @ q - c)


# ---- block by block: O'Neill et al. 2021, eq. 7


def blocks(metric):
    def mean(a, c, o):
        def parts(x, axis):  # as many of both; the larger one's
            length = max(a.shape[axis], c.shape[axis])
            count = 1 if o["block"] < 0 else -(-length // o["block"])
            return np.array_split(x, count, axis)

        return np.mean([metric(x, y, o) for ra, rc in zip(parts(a, 0), parts(c, 0))
                        for x, y in zip(parts(ra, 1), parts(rc, 1))])
    return mean


def moments(x):
    return np.atleast_2d(np.cov(x, rowvar=False, bias=True))


def ridged(s, o):
    return s + max(o["ridge"], 0.0) * np.trace(s) / len(s) * np.eye(len(s))


@blocks
def covariance(a, c, o):
    s, t = moments(a), moments(c)
    return np.trace(s @ t) / (np.linalg.norm(s) * np.linalg.norm(t))


def divergence(s, t):
    factor = scipy.linalg.cho_factor(t)
    return 0.5 * (np.trace(scipy.linalg.cho_solve(factor, s)) - np.linalg.slogdet(s)[1]
                  + np.linalg.slogdet(t)[1] - len(s))


@blocks
def kl(a, c, o):
    return divergence(ridged(moments(a), o), ridged(moments(c), o))


@blocks
def js(a, c, o):
    s, t = ridged(moments(a), o), ridged(moments(c), o)
    return (divergence(s, (s + t) / 2) + divergence(t, (s + t) / 2)) / 2


@blocks
def wasserstein_gaussian(a, c, o):
    s, t = moments(a), moments(c)
    if len(a) > 2 * len(s) and len(c) > 2 * len(s):
        root = scipy.linalg.sqrtm(s)
        cross = np.trace(scipy.linalg.sqrtm(root @ t @ root)).real
    else:  # roots of what should be 0 are not
        cross = np.linalg.norm(centred(a) @ centred(c).T, "nuc") / np.sqrt(len(a) * len(c))
    return np.sqrt(((a.mean(0) - c.mean(0)) ** 2).sum() + np.trace(s) + np.trace(t)
                   - 2 * cross)


# ---- transport


def softmax(x, o):
    return scipy.special.softmax(x, axis=1) if o["flags"] & 1 else x


def centroids(x, count):
    """Of clusters far apart, which any method finds, or of rows each by itself."""
    if count >= len(x):
        return x, np.full(len(x), 1 / len(x))
    label = hierarchy.fcluster(hierarchy.linkage(x), count, "maxclust")
    names, rows = np.unique(label, return_counts=True)
    return np.array([x[label == name].mean(0) for name in names]), rows / len(x)


def wasserstein_centroid(a, c, o):
    (u, shares), (v, others) = (centroids(softmax(x, o), o["centroids"]) for x in (a, c))
    cost = distance.cdist(u, v) ** o["exponent"]
    return ot.emd2(shares, others, cost) ** (1 / o["exponent"])


def wasserstein_sliced(a, c, o):
    a, c, p = softmax(a, o), softmax(c, o), o["exponent"]
    if a.shape[1] == 1:  # there is one direction
        return ot.wasserstein_1d(a[:, 0], c[:, 0], p=p) ** (1 / p)
    return ot.sliced_wasserstein_distance(a, c, n_projections=o["projections"], p=p, seed=7)


def sinkhorn(a, c, o):
    """Feydy et al. 2019: POT's plans, and what they cost, the entropy of each included."""
    a, c = softmax(a, o), softmax(c, o)
    eps = o["regularisation"] * distance.cdist(a, c, "sqeuclidean").mean()

    def transport(x, y):
        cost = distance.cdist(x, y, "sqeuclidean")
        masses = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))
        plan = ot.sinkhorn(*masses, cost, eps, method="sinkhorn_log", numItermax=100000,
                           stopThr=1e-12, warn=False)
        relative = scipy.special.rel_entr(plan, np.outer(*masses)).sum()
        return (plan * cost).sum() + eps * relative

    return transport(a, c) - (transport(a, a) + transport(c, c)) / 2


def costs(a, c, o):
    return distance.cdist(softmax(a, o), softmax(c, o)) ** o["exponent"]


def wasserstein_assignment(a, c, o):
    cost = costs(a, c, o)
    if len(a) == len(c):
        return ot.emd2([], [], cost) ** (1 / o["exponent"])
    return cost[scipy.optimize.linear_sum_assignment(cost)].mean() ** (1 / o["exponent"])
