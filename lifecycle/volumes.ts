import type {
  LocalVolumeFacts,
  LonghornDisk,
  LonghornFacts,
  LonghornNode,
  LonghornReplica,
  LonghornVolume,
  Refusal,
} from "./facts";

/** What a volume of Longhorn has on a node, and elsewhere. */
interface Stake {
  readonly volume: LonghornVolume;
  readonly here: readonly LonghornReplica[];
  /** Complete copies on other nodes that are up, on disks that are. */
  readonly healthyElsewhere: readonly LonghornReplica[];
  /** Copies elsewhere that are complete or being built. */
  readonly alive: readonly LonghornReplica[];
}

const LONGHORN = "kubectl -n longhorn-system";

export function volumeName({ name, claim }: LonghornVolume): string {
  return `volume ${name}${claim === undefined ? "" : ` (${claim})`}`;
}

function stakes(facts: LonghornFacts, node: string): Stake[] {
  const isUp = ({ node: at, disk }: LonghornReplica) =>
    facts.nodes.some(
      ({ name, ready, disks }) => name === at && ready && disks.some((one) => one.ready && one.uuid === disk),
    );
  return facts.volumes
    .map((volume) => {
      const replicas = facts.replicas.filter((replica) => replica.volume === volume.name);
      const elsewhere = replicas.filter((replica) => replica.node !== node);
      return {
        volume,
        here: replicas.filter((replica) => replica.node === node),
        healthyElsewhere: elsewhere.filter((replica) => replica.healthy && replica.disk !== "" && isUp(replica)),
        alive: elsewhere.filter((replica) => !replica.failed && replica.node !== ""),
      };
    })
    .filter(({ here }) => here.length > 0);
}

/** Volumes whose only complete copy is on the node. */
export function soleCopies(facts: LonghornFacts, node: string): LonghornVolume[] {
  return stakes(facts, node)
    .filter(({ here, healthyElsewhere }) => healthyElsewhere.length === 0 && here.length > 0)
    .map(({ volume }) => volume);
}

/**
 * Volumes that a deletion of all replicas on the node would lose although nobody has agreed: with `agreed`, names of the
 * volumes that somebody was told of and has given up.
 */
export function lostWithout(facts: LonghornFacts, node: string, agreed: ReadonlySet<string>): LonghornVolume[] {
  return soleCopies(facts, node).filter(({ name }) => !agreed.has(name));
}

/** Volumes that would lose data or safety if the node went for good. */
export function longhornRefusals(facts: LonghornFacts, node: string): Refusal[] {
  return stakes(facts, node).flatMap((stake) => {
    const { volume, here, healthyElsewhere, alive } = stake;
    const what = volumeName(volume);
    const more = `${LONGHORN} patch volumes.longhorn.io ${volume.name} --type merge -p '{"spec":{"numberOfReplicas":2}}'`;
    if (healthyElsewhere.length === 0) {
      return volume.numberOfReplicas === 1
        ? [
            {
              what,
              why: `it has a single replica, and that is on ${node}`,
              wayOut: `give it a second one and wait until the volume is healthy: ${more} ; where no other node has a disk of its kind, back it up (velero backup create) and delete its claim`,
            },
          ]
        : [
            {
              what,
              why: `its last healthy replica is on ${node}`,
              wayOut: `wait until it has been rebuilt elsewhere: ${LONGHORN} get volumes.longhorn.io ${volume.name} -w`,
            },
          ];
    }
    if (volume.robustness === "degraded" || volume.robustness === "faulted") {
      return [
        {
          what,
          why: `it is ${volume.robustness}: ${healthyElsewhere.length + here.filter(({ healthy }) => healthy).length} healthy of ${volume.numberOfReplicas} replicas`,
          wayOut: `wait until it is healthy, or find out why not: runbooks/longhorn.md; ${LONGHORN} get volumes.longhorn.io ${volume.name} -w`,
        },
      ];
    }
    if (
      alive.length < volume.numberOfReplicas &&
      !facts.nodes.some((other) => other.name !== node && takes(facts, other, stake))
    ) {
      const fewer = `${LONGHORN} patch volumes.longhorn.io ${volume.name} --type merge -p '{"spec":{"numberOfReplicas":${volume.numberOfReplicas - 1}}}'`;
      return [
        {
          what,
          why: `its replica on ${node} has nowhere to go: no other node without a replica of it has a disk of its kind (tags: ${volume.diskSelector.join(", ") || "none"}) with room for ${gib(volume.size)}`,
          wayOut: `add such a disk, or accept one copy less: ${fewer}`,
        },
      ];
    }
    return [];
  });
}

/**
 * Whether Longhorn would put one more replica of the volume on a node (longhorn-manager v1.6.2,
 * scheduler/replica_scheduler.go: node and disk tags, anti-affinity, IsSchedulableToDisk). Volumes are looked at one by
 * one: several that fit alone may not fit together, and then the wait for them ends at its time limit, naming them.
 */
function takes(facts: LonghornFacts, node: LonghornNode, { volume, alive }: Stake): boolean {
  const { settings } = facts;
  return (
    node.ready &&
    node.allowScheduling &&
    !node.evictionRequested &&
    (settings.softAntiAffinity || alive.every((replica) => replica.node !== node.name)) &&
    hasTags(volume.nodeSelector, node.tags, settings.emptyNodeSelector) &&
    node.disks.some((disk) => fits(facts, disk, volume))
  );
}

function fits({ settings }: LonghornFacts, disk: LonghornDisk, volume: LonghornVolume): boolean {
  return (
    disk.schedulable &&
    hasTags(volume.diskSelector, disk.tags, settings.emptyDiskSelector) &&
    disk.scheduled + volume.size <= ((disk.maximum - disk.reserved) * settings.overProvisioningPercentage) / 100 &&
    disk.available > (disk.maximum * settings.minimalAvailablePercentage) / 100
  );
}

/** As types.IsSelectorsInTags: without a selector, only what has no tags, unless a setting allows more. */
function hasTags(selector: readonly string[], tags: readonly string[], emptyTakesAll: boolean): boolean {
  return selector.length === 0 ? emptyTakesAll || tags.length === 0 : selector.every((tag) => tags.includes(tag));
}

/** Volumes on the node's own disk, which go with it. */
export function localVolumeRefusals(volumes: readonly LocalVolumeFacts[], node: string): Refusal[] {
  return volumes.map(({ name, claim, storageClass }) => ({
    what: `volume ${name}${claim === undefined ? "" : ` (${claim.namespace}/${claim.name})`}`,
    why: `it is a directory on ${node}${storageClass === undefined ? "" : ` (class ${storageClass})`}; it can be mounted nowhere else and goes with the machine`,
    wayOut:
      claim === undefined
        ? `save what you need of it, then: kubectl delete pv ${name}`
        : `save what you need of it; then: npm run node -- drain ${node}; kubectl -n ${claim.namespace} delete pvc ${claim.name}. Its pod gets a new, empty one elsewhere if a StatefulSet owns it; otherwise make the claim anew`,
  }));
}

/** What still ties Longhorn's data to a node; empty as soon as the machine may go. */
export function longhornRemains(facts: LonghornFacts, node: string): string[] {
  return [
    ...stakes(facts, node).map(
      ({ volume, here }) => `${volumeName(volume)}: ${here.map(({ name }) => name).join(", ")}`,
    ),
    ...facts.engines.map((volume) => `volume ${volume}: its engine runs on ${node}`),
  ];
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
