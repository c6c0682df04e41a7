import type { Homelab } from "../config/homelab";
import type { Host } from "../nodes/host";

/** What every service of the platform is given. */
export interface ServiceArgs {
  homelab: Homelab;
  /** Where gates and CRD bundles run kubectl. */
  controlPlane: Host;
}
