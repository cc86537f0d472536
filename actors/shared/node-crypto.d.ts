/** The synchronous part of Node's crypto in the runtime, with which a URL can be signed inside one commit. */
declare module 'node:crypto' {
  interface Hmac {
    update(data: string | Uint8Array): Hmac
    digest(): Uint8Array
  }
  interface Hash {
    update(data: string): Hash
    digest(encoding: 'hex'): string
  }
  export function createHash(algorithm: 'sha256'): Hash
  export function createHmac(algorithm: 'sha256', key: Uint8Array): Hmac
  export function hkdfSync(
    digest: 'sha256',
    key: string,
    salt: string,
    info: string,
    length: number,
  ): ArrayBuffer
  export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
}
