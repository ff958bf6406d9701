/* export.h - how a declaration reaches the symbol table, and what a caller must not ignore */
#ifndef LAYERFUSE_EXPORT_H
#define LAYERFUSE_EXPORT_H

#if defined(__GNUC__)
#define LFUSE_API        __attribute__((visibility("default")))
#define LFUSE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define LFUSE_API
#define LFUSE_MUST_CHECK
#endif

#ifdef __cplusplus
#define LFUSE_BEGIN_DECLS extern "C" {
#define LFUSE_END_DECLS   }
#else
#define LFUSE_BEGIN_DECLS
#define LFUSE_END_DECLS
#endif

#endif
