/**
 * The protocol buffers wire format, as far as TensorFlow's graphs need it.
 *
 * https://protobuf.dev/programming-guides/encoding/
 */
export class Message {
  private readonly chunks: Uint8Array[] = [];
  private length = 0;

  /** An integer, a boolean or an enumeration. Negative numbers take ten bytes, as int64 does. */
  varint(field: number, value: number | bigint | boolean): this {
    return this.push(varintBytes(field << 3)).push(varintBytes(BigInt(value)));
  }

  /** A 32-bit number. */
  float(field: number, value: number): this {
    return this.push(varintBytes((field << 3) | 5)).push(
      new Uint8Array(Float32Array.of(value).buffer),
    );
  }

  /** A 64-bit number. */
  double(field: number, value: number): this {
    return this.push(varintBytes((field << 3) | 1)).push(
      new Uint8Array(Float64Array.of(value).buffer),
    );
  }

  /** Bytes as they are. */
  bytes(field: number, value: Uint8Array): this {
    return this.push(varintBytes((field << 3) | 2))
      .push(varintBytes(value.length))
      .push(value);
  }

  /** Text, in UTF-8. */
  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** A message inside this one. */
  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  /** One entry of a `map<string, …>`. */
  entry(field: number, key: string, value: Message): this {
    return this.message(field, new Message().string(1, key).message(2, value));
  }

  /** @returns the message as it is sent */
  finish(): Uint8Array {
    return Buffer.concat(this.chunks, this.length);
  }

  private push(bytes: Uint8Array): this {
    this.chunks.push(bytes);
    this.length += bytes.length;
    return this;
  }
}

function varintBytes(value: number | bigint): Uint8Array {
  if (typeof value === "number" && value >= 0 && value < 128) return Uint8Array.of(value);
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
