import type { Homelab } from "../../config/homelab";

export type AcmeEnvironment = Homelab["network"]["certificates"]["issuer"];

/** Let's Encrypt's directories (letsencrypt.org/docs/acme-protocol-updates, /docs/staging-environment). */
const directories: Readonly<Record<AcmeEnvironment, string>> = {
  staging: "https://acme-staging-v02.api.letsencrypt.org/directory",
  production: "https://acme-v02.api.letsencrypt.org/directory",
};

export function acmeDirectory(environment: AcmeEnvironment): string {
  return directories[environment];
}
