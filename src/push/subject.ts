import type { Device } from "../core/device.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../core/errors.ts";
import type { RegisteredDevice } from "../core/registry.ts";
import type { ClientRegistry, DeviceRef } from "./options.ts";
import { checkDevice } from "./routes.ts";

/** A device handed in as it is, or found in the registry with its profile resolved. */
export function resolveSubject(ref: DeviceRef, registry: ClientRegistry | undefined): Device | Promise<Device> {
  if (typeof ref === "string") return fromRegistry(ref, registry);
  checkDevice(ref);
  return ref;
}

async function fromRegistry(id: string, registry: ClientRegistry | undefined): Promise<Device> {
  if (registry === undefined) {
    throw new FlashwaveError(
      "no_registry",
      "A device was named by its id, but this client has no registry. Give createClient a registry, or pass the device.",
      {
        phase: "prepare",
        device: id,
      },
    );
  }
  try {
    const device = (await registry.devices.getMany([id])).get(id);
    if (device === undefined) {
      throw new FlashwaveError("unknown_device", "The registry holds no device with this id. Register it first.", {
        phase: "registry",
        device: id,
      });
    }
    // A row is no better than what a caller hands in, and an approval or a lock on one device is none on another.
    checkDevice(device);
    if (device.id !== id) throw new TypeError(`the registry answered with the device ${JSON.stringify(device.id)}`);
    return await withProfile(device, registry);
  } catch (error) {
    if (isFlashwaveError(error)) throw inContext(error, { device: id });
    throw new FlashwaveError(
      "registry_failed",
      "The registry could not be read, so nothing was sent. Look at the cause.",
      {
        phase: "registry",
        device: id,
        retryable: true,
        cause: error,
      },
    );
  }
}

async function withProfile(device: RegisteredDevice, registry: ClientRegistry): Promise<Device> {
  if (device.profile !== undefined || device.profileId === undefined || registry.profiles === undefined) return device;
  const profile = (await registry.profiles.resolveMany([device])).get(device.id);
  if (profile === undefined) {
    throw new FlashwaveError(
      "invalid_profile",
      "The device's profile is not in the registry. Put it there, or name another.",
      {
        phase: "registry",
        device: device.id,
      },
    );
  }
  return { ...device, profile };
}
