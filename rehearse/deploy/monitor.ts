import * as grpc from "@grpc/grpc-js";
import { EngineService, type IEngineServer } from "@pulumi/pulumi/proto/engine_grpc_pb";
import * as engine from "@pulumi/pulumi/proto/engine_pb";
import { ResourceMonitorService, type IResourceMonitorServer } from "@pulumi/pulumi/proto/resource_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { registrationOf, type Registration } from "./registration";
import { unwrap, wrap } from "./wire";

/** What a resource is once it is there; undefined if it failed, then nothing that needs it is registered. */
export type Registered = { id: string; outputs: Record<string, unknown> } | undefined;

export interface MonitorOptions {
  stack: string;
  project: string;
  /** Carries a resource out. Called as soon as everything that the resource waits for is done. */
  register: (registration: Registration) => Promise<Registered>;
  /** Told what the program says: errors, and what the SDK logs. */
  log: (severity: "debug" | "info" | "warning" | "error", message: string) => void;
  /** Told the outputs of the stack. */
  outputs: (outputs: Record<string, unknown>) => void;
}

const FEATURES = [
  proto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_SECRETS,
  proto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
  proto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
  proto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
  proto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
  proto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
];
const SEVERITIES = ["debug", "info", "warning", "error"] as const;
const ROOT = "pulumi:pulumi:Stack";

/**
 * The engine's side of the SDK's own protocol, so that a program runs as under `pulumi up`: in a process of its own, by
 * the SDK's own entry point, its order kept by the SDK's own machinery.
 *
 * @param address `unix:<path>`.
 */
export async function serveMonitor(address: string, options: MonitorOptions): Promise<{ close(): void }> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": 400 * 1024 * 1024,
    "grpc.max_send_message_length": 400 * 1024 * 1024,
  });
  server.addService(ResourceMonitorService, monitor(options) as unknown as grpc.UntypedServiceImplementation);
  server.addService(EngineService, engineSide(options) as unknown as grpc.UntypedServiceImplementation);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
  return { close: () => server.forceShutdown() };
}

type Unary<Request, Response> = grpc.handleUnaryCall<Request, Response>;

function monitor({ stack, project, register, outputs }: MonitorOptions): Partial<IResourceMonitorServer> {
  const registerResource: Unary<proto.RegisterResourceRequest, proto.RegisterResourceResponse> = (call, callback) => {
    const registration = registrationOf(stack, project, call.request);
    const response = new proto.RegisterResourceResponse();
    response.setUrn(registration.urn);
    register(registration).then(
      (registered) => {
        if (registered) {
          response.setId(registered.id);
          const marked = wrap(registered.outputs, registration.secretKeys);
          response.setObject(Struct.fromJavaScript(marked as Record<string, JavaScriptValue>));
        } else {
          response.setResult(proto.Result.FAIL);
        }
        callback(null, response);
      },
      (error: unknown) => callback({ code: grpc.status.INTERNAL, message: String(error) }),
    );
  };
  const registerResourceOutputs: Unary<proto.RegisterResourceOutputsRequest, Empty> = (call, callback) => {
    if (call.request.getUrn().split("::")[2] === ROOT) {
      outputs(unwrap(call.request.getOutputs()?.toJavaScript() ?? {}).inputs);
    }
    callback(null, new Empty());
  };
  const supportsFeature: Unary<proto.SupportsFeatureRequest, proto.SupportsFeatureResponse> = (call, callback) => {
    const response = new proto.SupportsFeatureResponse();
    response.setHassupport(
      ["secrets", "resourceReferences", "aliasSpecs", "deletedWith"].includes(call.request.getId()),
    );
    callback(null, response);
  };
  const getDeploymentInfo: Unary<Empty, proto.DeploymentInfo> = (_call, callback) => {
    const info = new proto.DeploymentInfo();
    info.setSupportedfeaturesList(FEATURES);
    callback(null, info);
  };
  const registerPackage: Unary<proto.RegisterPackageRequest, proto.RegisterPackageResponse> = (call, callback) => {
    const response = new proto.RegisterPackageResponse();
    response.setRef(call.request.getName());
    callback(null, response);
  };
  const nothing: Unary<unknown, Empty> = (_call, callback) => callback(null, new Empty());
  /** What this program does not do, and a rehearsal therefore cannot. */
  const unknown =
    (what: string): Unary<{ getTok?(): string; getType?(): string }, never> =>
    (call, callback) => {
      const token = call.request.getTok?.() ?? call.request.getType?.() ?? "";
      callback({
        code: grpc.status.UNIMPLEMENTED,
        message: `${what} ${token} cannot be rehearsed without Pulumi's CLI`,
      });
    };
  return {
    registerResource,
    registerResourceOutputs,
    supportsFeature,
    getDeploymentInfo,
    registerPackage,
    signalAndWaitForShutdown: nothing,
    registerStackTransform: nothing,
    registerStackInvokeTransform: nothing,
    registerResourceHook: nothing,
    registerErrorHook: nothing,
    invoke: unknown("the provider's function"),
    call: unknown("the method"),
    readResource: unknown("looking up"),
  };
}

function engineSide({ log }: MonitorOptions): Partial<IEngineServer> {
  let root = "";
  const nothing: Unary<unknown, Empty> = (_call, callback) => callback(null, new Empty());
  return {
    log: (call: grpc.ServerUnaryCall<engine.LogRequest, Empty>, callback: grpc.sendUnaryData<Empty>) => {
      log(SEVERITIES[call.request.getSeverity()] ?? "info", call.request.getMessage());
      callback(null, new Empty());
    },
    getRootResource: (_call: unknown, callback: grpc.sendUnaryData<engine.GetRootResourceResponse>) => {
      const response = new engine.GetRootResourceResponse();
      response.setUrn(root);
      callback(null, response);
    },
    setRootResource: (
      call: grpc.ServerUnaryCall<engine.SetRootResourceRequest, engine.SetRootResourceResponse>,
      callback: grpc.sendUnaryData<engine.SetRootResourceResponse>,
    ) => {
      root = call.request.getUrn();
      callback(null, new engine.SetRootResourceResponse());
    },
    startDebugging: nothing,
    requirePulumiVersion: (_call: unknown, callback: grpc.sendUnaryData<engine.RequirePulumiVersionResponse>) =>
      callback(null, new engine.RequirePulumiVersionResponse()),
  };
}
