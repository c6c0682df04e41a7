/** Environment variables that stand in for what cannot be read. */
export const VARIABLES = {
  b2KeyId: "B2_APPLICATION_KEY_ID",
  b2Key: "B2_APPLICATION_KEY",
  sshKey: "HOMELAB_SSH_KEY",
  vmHostKey: "HOMELAB_VM_HOST_KEY",
} as const;
