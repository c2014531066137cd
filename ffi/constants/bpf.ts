/**
 * Numbers of bpf(2), in the kernel's spelling; header linux/bpf.h.
 *
 * @module
 */

export const BPF_MAP_CREATE = 0;
export const BPF_MAP_LOOKUP_ELEM = 1;
export const BPF_MAP_UPDATE_ELEM = 2;
export const BPF_MAP_DELETE_ELEM = 3;
export const BPF_MAP_GET_NEXT_KEY = 4;
export const BPF_PROG_LOAD = 5;
export const BPF_OBJ_PIN = 6;
export const BPF_OBJ_GET = 7;
export const BPF_PROG_ATTACH = 8;
export const BPF_PROG_TEST_RUN = 10;
export const BPF_OBJ_GET_INFO_BY_FD = 15;
export const BPF_PROG_QUERY = 16;
export const BPF_MAP_LOOKUP_BATCH = 24;
export const BPF_MAP_UPDATE_BATCH = 26;
export const BPF_LINK_CREATE = 28;
export const BPF_LINK_UPDATE = 29;

export const BPF_MAP_TYPE_HASH = 1;
export const BPF_MAP_TYPE_ARRAY = 2;
export const BPF_MAP_TYPE_PERCPU_HASH = 5;
export const BPF_MAP_TYPE_PERCPU_ARRAY = 6;
export const BPF_MAP_TYPE_LRU_PERCPU_HASH = 10;
export const BPF_MAP_TYPE_SOCKHASH = 18;
export const BPF_MAP_TYPE_RINGBUF = 27;
export const BPF_F_MMAPABLE = 1024;
export const BPF_PROG_TYPE_SCHED_CLS = 3;
export const BPF_TCX_INGRESS = 46;
export const BPF_TCX_EGRESS = 47;
/** TCX: before the program named, or before all of them. */
export const BPF_F_BEFORE = 8;
export const BPF_PROG_TYPE_SK_SKB = 14;
export const BPF_SK_SKB_STREAM_VERDICT = 5;

/** Helper functions, by the numbers of enum bpf_func_id. */
export const BPF_FUNC_get_socket_cookie = 46;
/** As above. */
export const BPF_FUNC_sk_redirect_hash = 72;
export const BPF_PSEUDO_MAP_FD = 1;
export const BPF_NOEXIST = 1;
