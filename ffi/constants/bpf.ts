/**
 * Numbers of bpf(2), in the kernel's spelling; header linux/bpf.h.
 *
 * @module
 */

export const BPF_MAP_CREATE = 0;
export const BPF_MAP_UPDATE_ELEM = 2;
export const BPF_MAP_DELETE_ELEM = 3;
export const BPF_PROG_LOAD = 5;
export const BPF_PROG_ATTACH = 8;

export const BPF_MAP_TYPE_SOCKHASH = 18;
export const BPF_PROG_TYPE_SK_SKB = 14;
export const BPF_SK_SKB_STREAM_VERDICT = 5;

/** Helper functions, by the numbers of enum bpf_func_id. */
export const BPF_FUNC_get_socket_cookie = 46;
/** As above. */
export const BPF_FUNC_sk_redirect_hash = 72;
export const BPF_PSEUDO_MAP_FD = 1;
