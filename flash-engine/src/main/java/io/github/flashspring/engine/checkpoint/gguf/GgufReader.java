package io.github.flashspring.engine.checkpoint.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import io.github.flashspring.engine.checkpoint.CheckpointException;

/**
 * Walks through a GGUF header. Every length is held against the bytes that are really
 * left before anything of that size is made.
 */
final class GgufReader {

	private static final int MAGIC = 0x46554747;

	private static final int STRING = 8;

	private static final int ARRAY = 9;

	/** More elements than any vocabulary has. */
	private static final int MAX_ARRAY = 1 << 24;

	private static final int MAX_STRING = 64 << 20;

	private static final int MAX_NAME = 1024;

	private static final int MAX_DIMENSIONS = 4;

	private static final int WINDOW_BYTES = 1 << 16;

	private final Path file;

	private final GgufBytes bytes;

	/** Bytes from {@link #position} on. */
	private final ByteBuffer window = ByteBuffer.allocate(WINDOW_BYTES).order(ByteOrder.LITTLE_ENDIAN).limit(0);

	private final Map<String, Object> values = new LinkedHashMap<>();

	private final Map<String, GgufTensor> tensors = new LinkedHashMap<>();

	private long position;

	GgufReader(Path file, GgufBytes bytes) {
		this.file = file;
		this.bytes = bytes;
	}

	GgufMetadata metadata() {
		return new GgufMetadata(this.file, this.values);
	}

	Map<String, GgufTensor> tensors() {
		return this.tensors;
	}

	void read() {
		if (this.bytes.size() < 24 || int32("the header") != MAGIC) {
			throw new CheckpointException("The file " + this.file + " does not begin with 'GGUF'.",
					"Give a GGUF file; an older GGML file must be converted first.");
		}
		int version = int32("the version");
		if (version != 2 && version != 3) {
			throw new CheckpointException("The file " + this.file + " has GGUF version "
					+ Integer.toUnsignedString(version) + "; expected 2 or 3, little-endian.",
					"Convert it with a newer tool.");
		}
		// A tensor takes at least 33 bytes of header, a pair at least 13.
		long tensorCount = count("tensors", 33);
		long pairCount = count("key-value pairs", 13);
		for (long i = 0; i < pairCount; i++) {
			String key = string("a key", MAX_NAME);
			if (this.values.put(key, value(key, int32(key))) != null) {
				throw failure("The key '" + key + "' appears twice");
			}
		}
		readTensors(tensorCount);
	}

	private void readTensors(long count) {
		record Entry(String name, GgufType type, List<Long> shape, long offset, long byteSize) {
		}
		List<Entry> entries = new ArrayList<>();
		for (long i = 0; i < count; i++) {
			String name = string("the name of tensor " + i, MAX_NAME);
			List<Long> shape = shape(name);
			long typeId = Integer.toUnsignedLong(int32(name));
			GgufType type = GgufType.find(typeId)
				.orElseThrow(() -> new CheckpointException(
						"Tensor '" + name + "' of " + this.file + " has the unknown type " + typeId + ".",
						"Use a version of the model in F16, Q8_0, Q4_1 or Q4_0."));
			entries.add(new Entry(name, type, shape, int64(name), byteSize(name, type, shape)));
		}
		int alignment = metadata().findInt("general.alignment", 1, 1 << 20).orElse(32);
		if (Integer.bitCount(alignment) != 1) {
			throw failure("general.alignment is " + alignment + ", expected a power of two");
		}
		long dataOffset = Math.ceilDiv(this.position, alignment) * alignment;
		long dataSize = this.bytes.size() - dataOffset;
		for (Entry entry : entries) {
			if (entry.offset() < 0 || entry.offset() % alignment != 0) {
				throw failure("Tensor '" + entry.name() + "' begins at data offset "
						+ Long.toUnsignedString(entry.offset()) + ", expected a multiple of " + alignment);
			}
			if (entry.offset() > dataSize || entry.byteSize() > dataSize - entry.offset()) {
				throw new CheckpointException(
						"The file " + this.file + " is truncated: tensor '" + entry.name() + "' takes "
								+ entry.byteSize() + " bytes from data offset " + entry.offset()
								+ ", but the file has only " + Math.max(0, dataSize) + " bytes of data.",
						"Download or copy it again.");
			}
			GgufTensor tensor = new GgufTensor(entry.name(), entry.type(), entry.shape(), dataOffset + entry.offset(),
					entry.byteSize());
			if (this.tensors.put(tensor.name(), tensor) != null) {
				throw failure("Tensor '" + tensor.name() + "' appears twice");
			}
		}
		refuseOverlap();
	}

	private List<Long> shape(String name) {
		int dimensions = int32(name);
		if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
			throw failure("Tensor '" + name + "' has " + Integer.toUnsignedString(dimensions)
					+ " dimensions, expected 1 to " + MAX_DIMENSIONS);
		}
		List<Long> shape = new ArrayList<>();
		for (int i = 0; i < dimensions; i++) {
			long size = int64(name);
			if (size < 1) {
				throw failure("Tensor '" + name + "' has a dimension of size " + Long.toUnsignedString(size));
			}
			shape.addFirst(size);
		}
		return shape;
	}

	private long byteSize(String name, GgufType type, List<Long> shape) {
		if (shape.getLast() % type.blockElements() != 0) {
			throw failure("Tensor '" + name + "' has rows of " + shape.getLast() + " elements, but " + type
					+ " needs a multiple of " + type.blockElements());
		}
		try {
			long blocks = shape.getLast() / type.blockElements();
			for (long size : shape.subList(0, shape.size() - 1)) {
				blocks = Math.multiplyExact(blocks, size);
			}
			// Elements must be countable as well.
			Math.multiplyExact(blocks, (long) type.blockElements());
			return Math.multiplyExact(blocks, (long) type.blockBytes());
		}
		catch (ArithmeticException ex) {
			throw failure("Tensor '" + name + "' has the shape " + shape + ", which is more than 2^63 bytes");
		}
	}

	private void refuseOverlap() {
		List<GgufTensor> ordered = new ArrayList<>(this.tensors.values());
		ordered.sort(Comparator.comparingLong(GgufTensor::offset));
		for (int i = 1; i < ordered.size(); i++) {
			GgufTensor before = ordered.get(i - 1);
			if (ordered.get(i).offset() < before.offset() + before.byteSize()) {
				throw failure("Tensor '" + ordered.get(i).name() + "' overlaps '" + before.name() + "'");
			}
		}
	}

	private Object value(String key, int type) {
		return switch (type) {
			case 0 -> (long) Byte.toUnsignedInt(int8(key));
			case 1 -> (long) int8(key);
			case 2 -> (long) Short.toUnsignedInt(int16(key));
			case 3 -> (long) int16(key);
			case 4 -> Integer.toUnsignedLong(int32(key));
			case 5 -> (long) int32(key);
			case 6 -> shortest(Float.intBitsToFloat(int32(key)));
			case 7 -> truth(key);
			case STRING -> string(key, MAX_STRING);
			case ARRAY -> array(key);
			case 10, 11 -> int64(key);
			case 12 -> Double.longBitsToDouble(int64(key));
			default -> throw failure("The key '" + key + "' has the unknown type " + Integer.toUnsignedString(type));
		};
	}

	/**
	 * Settings are stored in single precision but were written as decimal numbers: 1e-5,
	 * not 9.99999974e-6.
	 */
	private static double shortest(float value) {
		return Float.isFinite(value) ? Double.parseDouble(Float.toString(value)) : value;
	}

	private Object array(String key) {
		int type = int32(key);
		int size = switch (type) {
			case 0, 1, 7 -> 1;
			case 2, 3 -> 2;
			case 4, 5, 6 -> 4;
			case STRING, 10, 11, 12 -> 8;
			default -> throw failure("The key '" + key + "' holds an array of type " + Integer.toUnsignedString(type));
		};
		long length = int64(key);
		if (length < 0 || length > MAX_ARRAY || length * size > left()) {
			throw failure("The key '" + key + "' holds an array of " + Long.toUnsignedString(length)
					+ " elements; expected at most " + MAX_ARRAY + ", and no more than the file has bytes");
		}
		int count = (int) length;
		return switch (type) {
			case STRING -> {
				List<String> list = new ArrayList<>();
				for (int i = 0; i < count; i++) {
					list.add(string(key, MAX_STRING));
				}
				yield list;
			}
			case 6, 12 -> {
				double[] numbers = new double[count];
				for (int i = 0; i < count; i++) {
					numbers[i] = (type == 6) ? Float.intBitsToFloat(int32(key)) : Double.longBitsToDouble(int64(key));
				}
				yield numbers;
			}
			case 7 -> {
				boolean[] truths = new boolean[count];
				for (int i = 0; i < count; i++) {
					truths[i] = truth(key);
				}
				yield truths;
			}
			default -> {
				long[] numbers = new long[count];
				for (int i = 0; i < count; i++) {
					numbers[i] = (Long) value(key, type);
				}
				yield numbers;
			}
		};
	}

	private boolean truth(String key) {
		byte value = int8(key);
		if (value != 0 && value != 1) {
			throw failure("The key '" + key + "' holds the truth value " + value);
		}
		return value == 1;
	}

	private String string(String what, int limit) {
		long length = int64(what);
		if (length < 0 || length > limit || length > left()) {
			throw failure("The length of " + what + " is " + Long.toUnsignedString(length) + " at byte "
					+ (this.position - 8) + "; expected at most " + Math.min(limit, left()));
		}
		ByteBuffer text = ByteBuffer.allocate((int) length);
		text.put(this.window.slice(this.window.position(), Math.min(text.capacity(), this.window.remaining())));
		this.window.position(this.window.position() + text.position());
		this.bytes.read(this.position + text.position(), text);
		this.position += length;
		try {
			return StandardCharsets.UTF_8.newDecoder().decode(text.flip()).toString();
		}
		catch (CharacterCodingException ex) {
			throw failure("The text of " + what + " before byte " + this.position + " is not valid UTF-8");
		}
	}

	private long count(String what, int leastBytes) {
		long count = int64(what);
		if (count < 0 || count > left() / leastBytes) {
			throw failure("It should have " + Long.toUnsignedString(count) + " " + what + ", but only " + left()
					+ " bytes follow");
		}
		return count;
	}

	private byte int8(String what) {
		return advance(1, what).get();
	}

	private short int16(String what) {
		return advance(2, what).getShort();
	}

	private int int32(String what) {
		return advance(4, what).getInt();
	}

	private long int64(String what) {
		return advance(8, what).getLong();
	}

	/** The window, which begins with that many bytes that are to be taken from it. */
	private ByteBuffer advance(int size, String what) {
		if (left() < size) {
			throw failure("It ends at byte " + this.bytes.size() + ", inside of " + what);
		}
		if (this.window.remaining() < size) {
			this.window.clear().limit((int) Math.min(WINDOW_BYTES, left()));
			this.bytes.read(this.position, this.window);
			this.window.flip();
		}
		this.position += size;
		return this.window;
	}

	private long left() {
		return this.bytes.size() - this.position;
	}

	private CheckpointException failure(String problem) {
		return new CheckpointException("Bad GGUF file " + this.file + ": " + problem + ".",
				"The file is damaged: download or convert it again.");
	}

}
