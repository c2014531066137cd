/**
 * Numbers of traffic control in rtnetlink, in the kernel's spelling; headers linux/rtnetlink.h,
 * linux/pkt_sched.h, linux/pkt_cls.h.
 *
 * @module
 */

export const RTM_NEWQDISC = 36;
export const RTM_DELQDISC = 37;
export const RTM_GETQDISC = 38;
export const RTM_NEWTFILTER = 44;
export const RTM_DELTFILTER = 45;
export const RTM_GETTFILTER = 46;

export const TC_H_CLSACT = 0xffff_fff1;
/** Handle of the one qdisc that may stand at TC_H_CLSACT. */
export const TC_H_CLSACT_HANDLE = 0xffff_0000;
/** Ingress of a device with clsact (TC_H_MAKE of TC_H_CLSACT and TC_H_MIN_INGRESS). */
export const TC_H_INGRESS = 0xffff_fff2;
/** Egress of it. */
export const TC_H_EGRESS = 0xffff_fff3;

export const TCA_KIND = 1;
export const TCA_OPTIONS = 2;
export const TCA_CHAIN = 11;

export const TCA_BPF_FD = 6;
export const TCA_BPF_NAME = 7;
export const TCA_BPF_FLAGS = 8;
export const TCA_BPF_FLAGS_GEN = 9;
export const TCA_BPF_ID = 11;
/** The program's result is the verdict; no actions follow. */
export const TCA_BPF_FLAG_ACT_DIRECT = 1;
/** Not in the network card. */
export const TCA_CLS_FLAGS_SKIP_HW = 1;
