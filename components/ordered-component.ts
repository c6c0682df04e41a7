import * as pulumi from "@pulumi/pulumi";

/**
 * A component whose children wait for what the component was told to wait for. The engine orders resources, not
 * components: `dependsOn` on a plain component is recorded on none of its children. Their order would rest on the SDK
 * registering them late, and neither the state nor a delete, a targeted update or the plan would know of it. Handed on
 * as a transformation, which every resource below inherits, it cannot be forgotten for a new child.
 */
export class OrderedComponent extends pulumi.ComponentResource {
  public constructor(type: string, name: string, opts: pulumi.ComponentResourceOptions = {}) {
    // No arguments: a component's arguments are stored in the state, in clear.
    super(type, name, {}, childrenWait(opts));
  }
}

function childrenWait(opts: pulumi.ComponentResourceOptions): pulumi.ComponentResourceOptions {
  const { dependsOn } = opts;
  if (dependsOn === undefined) {
    return opts;
  }
  const wait: pulumi.ResourceTransformation = ({ props, opts: child }) => ({
    props: props,
    opts: pulumi.mergeOptions(child, { dependsOn }),
  });
  return pulumi.mergeOptions(opts, { transformations: [wait] });
}
