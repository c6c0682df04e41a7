/**
 * Kernel settings that a kubelet with protect-kernel-defaults demands, or it exits (kubernetes v1.32,
 * pkg/kubelet/cm/container_manager_linux.go `setupKernelTunables`, values in staging/src/k8s.io/component-helpers/node/util/sysctl).
 * The bootstrap of a node sets them, the K3s step checks them.
 */
export const kubeletKernelSettings = {
  "vm.overcommit_memory": "1",
  "vm.panic_on_oom": "0",
  "kernel.panic": "10",
  "kernel.panic_on_oops": "1",
  "kernel.keys.root_maxkeys": "1000000",
  "kernel.keys.root_maxbytes": "25000000",
} as const;
