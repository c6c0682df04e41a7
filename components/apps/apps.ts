import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { namespace } from "../namespace";
import { OrderedComponent } from "../ordered-component";
import type { GeneratedSecrets } from "../secrets";
import { mediaClaim } from "../storage/media-volume";
import { AppInstance } from "./app";
import { appNamespaces, MEDIA_CLAIM } from "./names";
import { namespaceQuota } from "./quota";

export interface AppsArgs {
  homelab: Homelab;
  secrets: GeneratedSecrets;
  /** By what an app needs: wait for these before it. */
  ready: {
    /** Volumes of any tier. */
    storage: readonly pulumi.Resource[];
    /** The media share can be claimed. */
    media: readonly pulumi.Resource[];
    nvidia: readonly pulumi.Resource[];
    quicksync: readonly pulumi.Resource[];
    /** Routes can be made. */
    gateway: readonly pulumi.Resource[];
    /** Logins answer. */
    identity: readonly pulumi.Resource[];
  };
}

/** Every application of the list, each in its namespace, with nothing allowed between them that is not stated. */
export class Apps extends OrderedComponent {
  public constructor(name: string, args: AppsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:apps:Apps", name, opts);
    const { homelab, secrets, ready } = args;
    const child = { parent: this };
    const spaces = Object.fromEntries(
      appNamespaces(homelab.apps).map((space) => {
        const made = namespace(
          space,
          { homelab, gatewayAccess: true, quota: namespaceQuota(homelab, space) },
          { ...child, retainOnDelete: true },
        );
        return [space, made] as const;
      }),
    );
    const mediaSpace = homelab.apps.find(({ media }) => media)?.namespace;
    const claim = mediaClaim(homelab);
    const media =
      mediaSpace !== undefined && claim
        ? [
            new core.PersistentVolumeClaim(
              `${name}-media`,
              { metadata: { name: MEDIA_CLAIM, namespace: spaces[mediaSpace].name }, spec: claim },
              { ...child, retainOnDelete: true, dependsOn: [...ready.media] },
            ),
          ]
        : [];
    for (const app of homelab.apps) {
      new AppInstance(
        app.name,
        { homelab, app, secrets, namespace: spaces[app.namespace].name },
        {
          parent: this,
          dependsOn: [
            ...(Object.keys(app.volumes).length > 0 ? ready.storage : []),
            ...(app.media ? media : []),
            ...(app.gpu ? ready[app.gpu] : []),
            ...(app.access && app.access.policy !== "proxy" ? ready.gateway : []),
            // Its provider must answer before it asks.
            ...(app.access?.policy === "oidc" ? ready.identity : []),
          ],
        },
      );
    }
    this.registerOutputs();
  }
}
