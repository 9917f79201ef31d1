import { WASI } from '@bjorn3/browser_wasi_shim'

/** Answers a host call, such as `kubewarden/oci/v1/manifest_digest`. The guest gets the message of a thrown error. */
export type HostCalls = (call: string, payload: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>

/** The error that a guest returns. */
export class GuestError extends Error {}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Calls an operation of a waPC guest in a fresh instance, like policy servers do for each request.
 *
 * Source of the protocol: https://wapc.io/docs/spec/
 *
 * @throws {GuestError} if the guest returns an error, and whatever WebAssembly throws if the guest traps
 */
export function call(
  module: WebAssembly.Module,
  operation: string,
  payload: Uint8Array<ArrayBuffer>,
  answer: HostCalls,
): Uint8Array<ArrayBuffer> {
  const name = encoder.encode(operation)
  let response: Uint8Array<ArrayBuffer> = new Uint8Array()
  let error = ''
  let hostResponse: Uint8Array<ArrayBuffer> = new Uint8Array()
  let hostError: Uint8Array<ArrayBuffer> = new Uint8Array()

  // The memory of an instance can move, so each access takes it anew.
  const memory = () => (instance.exports.memory as WebAssembly.Memory).buffer
  const read = (address: number, length: number) => new Uint8Array(memory(), address >>> 0, length >>> 0).slice()
  const text = (address: number, length: number) => decoder.decode(read(address, length))
  const write = (address: number, bytes: Uint8Array) => new Uint8Array(memory()).set(bytes, address >>> 0)

  const wapc = {
    __guest_request(operationAddress: number, payloadAddress: number) {
      write(operationAddress, name)
      write(payloadAddress, payload)
    },
    __guest_response(address: number, length: number) {
      response = read(address, length)
    },
    __guest_error(address: number, length: number) {
      error = text(address, length)
    },
    __console_log() {},
    __host_call(...[b, bLength, n, nLength, o, oLength, p, pLength]: number[]) {
      const name = [text(b, bLength), text(n, nLength), text(o, oLength)].join('/')
      try {
        hostResponse = answer(name, read(p, pLength))
        return 1
      } catch (reason) {
        hostError = encoder.encode(reason instanceof Error ? reason.message : String(reason))
        return 0
      }
    },
    __host_response: (address: number) => write(address, hostResponse),
    __host_response_len: () => hostResponse.length,
    __host_error: (address: number) => write(address, hostError),
    __host_error_len: () => hostError.length,
  }

  // A guest has no files, arguments or environment variables.
  const wasi = new WASI([], [], [])
  const instance = new WebAssembly.Instance(module, { wapc, wasi_snapshot_preview1: wasi.wasiImport })
  wasi.inst = instance as unknown as typeof wasi.inst
  const exports = instance.exports as Record<string, ((...numbers: number[]) => number) | undefined>
  exports._start?.()
  exports.wapc_init?.()
  if (!exports.__guest_call) throw new GuestError('the module does not export __guest_call')
  if (exports.__guest_call(name.length, payload.length) !== 1) throw new GuestError(error)
  return response
}
