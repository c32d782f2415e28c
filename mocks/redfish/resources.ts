import type { SimulatedDevice } from "../device.ts";
import type { RedfishDeviceOptions } from "./options.ts";
import type { TaskTable, UpdateTask } from "./tasks.ts";

export type Json = Readonly<Record<string, unknown>>;

/** What the resources tell of. */
export interface Model {
  readonly options: RedfishDeviceOptions;
  readonly device: SimulatedDevice;
  readonly tasks: TaskTable;
  readonly sessions: ReadonlyMap<string, string>;
  /** Inventory members: the one that runs first. */
  readonly members: () => readonly Member[];
  readonly lastReset: () => string;
  readonly now: () => string;
}

export interface Member {
  readonly id: string;
  readonly version: string;
  readonly updateable: boolean;
  readonly state: "Enabled" | "StandbySpare";
  readonly health: "OK" | "Critical";
}

type PathName =
  | "service"
  | "multipart"
  | "raw"
  | "pull"
  | "inventory"
  | "sessionService"
  | "sessions"
  | "taskService"
  | "tasks"
  | "monitors"
  | "managers"
  | "manager"
  | "systems"
  | "system";

export const v1 = "/redfish/v1";
export const paths: Readonly<Record<PathName, string>> = Object.freeze({
  service: `${v1}/UpdateService`,
  // A service names its push URIs; nobody may guess them.
  multipart: `${v1}/UpdateService/update-multipart`,
  raw: `${v1}/UpdateService/update`,
  pull: `${v1}/UpdateService/Actions/UpdateService.SimpleUpdate`,
  inventory: `${v1}/UpdateService/FirmwareInventory`,
  sessionService: `${v1}/SessionService`,
  sessions: `${v1}/SessionService/Sessions`,
  taskService: `${v1}/TaskService`,
  tasks: `${v1}/TaskService/Tasks`,
  monitors: `${v1}/TaskService/TaskMonitors`,
  managers: `${v1}/Managers`,
  manager: `${v1}/Managers/bmc`,
  systems: `${v1}/Systems`,
  system: `${v1}/Systems/system`,
});

const link = (path: string): Json => ({ "@odata.id": path });
const healthy = (health: string, state = "Enabled"): Json => ({ State: state, Health: health });

/** A resource (DSP0266 §9): who it is, of what type, and what it tells. */
const resource = (path: string, type: string, name: string, members: Json): Json => ({
  "@odata.id": path,
  "@odata.type": `#${type}`,
  Id: path.slice(path.lastIndexOf("/") + 1),
  Name: name,
  ...members,
});

const collection = (path: string, type: string, ids: readonly string[]): Json => ({
  "@odata.id": path,
  "@odata.type": `#${type}.${type}`,
  "@odata.context": `${v1}/$metadata#${type}.${type}`,
  Name: `${type} of this service`,
  Members: ids.map((id) => link(`${path}/${id}`)),
  "Members@odata.count": ids.length,
});

function root({ options }: Model): Json {
  return {
    ...resource(`${v1}/`, "ServiceRoot.v1_13_0.ServiceRoot", "Root Service", {
      RedfishVersion: "1.15.0",
      ...(options.uuid !== undefined && { UUID: options.uuid }),
      Systems: link(paths.systems),
      Managers: link(paths.managers),
      UpdateService: link(paths.service),
      SessionService: link(paths.sessionService),
      Tasks: link(paths.taskService),
      Links: { Sessions: link(paths.sessions) },
    }),
    Id: "RootService",
  };
}

function updateService({ options }: Model): Json {
  const { push = "both", maxImageSizeBytes, tellsLimit = true, tellsApplyTime = true, applyTime } = options;
  return resource(paths.service, "UpdateService.v1_11_0.UpdateService", "Update Service", {
    ServiceEnabled: true,
    Status: healthy("OK"),
    ...((push === "both" || push === "raw") && { HttpPushUri: paths.raw }),
    ...((push === "both" || push === "multipart") && { MultipartHttpPushUri: paths.multipart }),
    ...(maxImageSizeBytes !== undefined && tellsLimit && { MaxImageSizeBytes: maxImageSizeBytes }),
    ...(tellsApplyTime && { HttpPushUriOptions: { HttpPushUriApplyTime: { ApplyTime: applyTime ?? "Immediate" } } }),
    FirmwareInventory: link(paths.inventory),
    Actions:
      options.pulls === false
        ? {}
        : {
            "#UpdateService.SimpleUpdate": {
              target: paths.pull,
              "TransferProtocol@Redfish.AllowableValues": ["HTTP", "HTTPS"],
            },
          },
  });
}

const memberOf = ({ id, version, updateable, state, health }: Member): Json =>
  resource(`${paths.inventory}/${id}`, "SoftwareInventory.v1_8_0.SoftwareInventory", `Firmware ${id}`, {
    Version: version,
    SoftwareId: `sw-${id}`,
    Updateable: updateable,
    Status: healthy(health, state),
  });

function manager({ options, members, lastReset, now }: Model): Json {
  // What else can be updated is none of the manager's own images.
  const others = (options.others ?? []).map(({ id }) => id);
  const images = members().filter(({ id, updateable }) => updateable && !others.includes(id));
  const [active] = images;
  return resource(paths.manager, "Manager.v1_15_0.Manager", "Manager", {
    ManagerType: "BMC",
    FirmwareVersion: active?.version ?? "",
    DateTime: now(),
    LastResetTime: lastReset(),
    ...(options.uuid !== undefined && { UUID: options.uuid }),
    Status: healthy("OK"),
    ...(options.style === "openbmc" &&
      active && {
        Links: {
          ActiveSoftwareImage: link(`${paths.inventory}/${active.id}`),
          SoftwareImages: images.map(({ id }) => link(`${paths.inventory}/${id}`)),
        },
      }),
    Actions: {
      "#Manager.Reset": {
        target: `${paths.manager}/Actions/Manager.Reset`,
        "ResetType@Redfish.AllowableValues": ["GracefulRestart", "ForceRestart"],
      },
    },
  });
}

function system({ options, lastReset }: Model): Json {
  return resource(paths.system, "ComputerSystem.v1_18_0.ComputerSystem", "System", {
    SystemType: "Physical",
    PowerState: "On",
    // sushy takes no system without it.
    Boot: { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideTarget: "None" },
    LastResetTime: lastReset(),
    ...(options.uuid !== undefined && { UUID: options.uuid }),
    Status: healthy("OK"),
    Links: { ManagedBy: [link(paths.manager)] },
    Actions: {
      "#ComputerSystem.Reset": {
        target: `${paths.system}/Actions/ComputerSystem.Reset`,
        "ResetType@Redfish.AllowableValues": ["On", "ForceOff", "ForceRestart", "GracefulRestart"],
      },
    },
  });
}

export function taskOf(task: UpdateTask): Json {
  return resource(`${paths.tasks}/${task.id}`, "Task.v1_7_0.Task", `Task ${task.id}`, {
    TaskState: task.state,
    TaskStatus: task.status,
    PercentComplete: task.state === "Running" ? 50 : 100,
    TaskMonitor: `${paths.monitors}/${task.id}`,
    Messages: task.messages.map(({ id, severity, text }) => ({
      "@odata.type": "#Message.v1_1_1.Message",
      MessageId: id,
      Message: text,
      MessageSeverity: severity,
      Severity: severity,
    })),
  });
}

/** An error as DSP0266 §8.6 has it. */
export function errorOf(id: string, text: string): Json {
  const message = { "@odata.type": "#Message.v1_1_1.Message", MessageId: id, Message: text, Severity: "Critical" };
  return { error: { code: id, message: text, "@Message.ExtendedInfo": [message] } };
}

/** What GET tells at a path; nothing where there is no resource. */
export function resourceAt(path: string, model: Model): Json | undefined {
  const { tasks, sessions, members } = model;
  const plain = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  const at = plain.lastIndexOf("/");
  const [parent, id] = [plain.slice(0, at), plain.slice(at + 1)];
  if (parent === paths.inventory) {
    const member = members().find((one) => one.id === id);
    return member && memberOf(member);
  }
  if (parent === paths.tasks) {
    const task = tasks.find(id);
    return task && taskOf(task);
  }
  if (parent === paths.sessions) {
    const name = sessions.get(id);
    return name === undefined
      ? undefined
      : resource(plain, "Session.v1_5_0.Session", `Session ${id}`, { UserName: name });
  }
  return fixed[plain]?.(model);
}

const fixed: Readonly<Record<string, (model: Model) => Json>> = {
  "/redfish": () => ({ v1: `${v1}/` }),
  [v1]: root,
  [paths.service]: updateService,
  [paths.inventory]: ({ members }) =>
    collection(
      paths.inventory,
      "SoftwareInventoryCollection",
      members().map(({ id }) => id),
    ),
  [paths.sessionService]: () =>
    resource(paths.sessionService, "SessionService.v1_1_8.SessionService", "Session Service", {
      ServiceEnabled: true,
      SessionTimeout: 600,
      Sessions: link(paths.sessions),
    }),
  [paths.sessions]: ({ sessions }) => collection(paths.sessions, "SessionCollection", [...sessions.keys()]),
  [paths.taskService]: () =>
    resource(paths.taskService, "TaskService.v1_2_0.TaskService", "Task Service", {
      ServiceEnabled: true,
      Tasks: link(paths.tasks),
    }),
  [paths.tasks]: ({ tasks }) =>
    collection(
      paths.tasks,
      "TaskCollection",
      tasks.all().map(({ id }) => id),
    ),
  [paths.managers]: () => collection(paths.managers, "ManagerCollection", ["bmc"]),
  [paths.manager]: manager,
  [paths.systems]: () => collection(paths.systems, "ComputerSystemCollection", ["system"]),
  [paths.system]: system,
};
