package io.github.flashspring.engine.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes one safetensors file as a stream: header first, then one body after the other.
 */
final class SafetensorsWriter {

	private final List<Map.Entry<String, TensorSource>> tensors;

	private final Map<String, String> metadata;

	private final int alignment;

	SafetensorsWriter(Map<String, TensorSource> tensors, Map<String, String> metadata, int alignment) {
		this.alignment = alignment;
		this.tensors = new ArrayList<>(tensors.entrySet());
		if (!isAligned()) {
			this.tensors.sort(Comparator.comparingInt((entry) -> -entry.getValue().dtype().bytes()));
		}
		this.metadata = metadata;
	}

	/** Whether every tensor begins at a multiple of its elements' size as they stand. */
	private boolean isAligned() {
		long offset = 0;
		for (Map.Entry<String, TensorSource> tensor : this.tensors) {
			if (offset % tensor.getValue().dtype().bytes() != 0) {
				return false;
			}
			offset += tensor.getValue().byteSize();
		}
		return true;
	}

	void write(Path file) throws IOException {
		ByteBuffer header = header();
		long data = this.tensors.stream().mapToLong((tensor) -> tensor.getValue().byteSize()).sum();
		try (Staging staging = Staging.file(file, header.remaining() + data)) {
			try (FileChannel channel = FileChannel.open(staging.path(), StandardOpenOption.WRITE)) {
				writeAll(channel, header);
				for (Map.Entry<String, TensorSource> tensor : this.tensors) {
					BodyChannel body = new BodyChannel(tensor.getKey(), channel, tensor.getValue().byteSize());
					tensor.getValue().body().writeTo(body);
					body.requireComplete();
				}
				channel.force(true);
			}
			staging.commit();
		}
	}

	private ByteBuffer header() throws IOException {
		ByteArrayOutputStream json = new ByteArrayOutputStream();
		try (JsonGenerator generator = new JsonFactory().createGenerator(ObjectWriteContext.empty(), json)) {
			generator.writeStartObject();
			if (!this.metadata.isEmpty()) {
				generator.writeObjectPropertyStart("__metadata__");
				this.metadata.forEach(generator::writeStringProperty);
				generator.writeEndObject();
			}
			long offset = 0;
			for (Map.Entry<String, TensorSource> tensor : this.tensors) {
				TensorSource source = tensor.getValue();
				long end = Math.addExact(offset, source.byteSize());
				generator.writeObjectPropertyStart(tensor.getKey());
				generator.writeStringProperty("dtype", source.dtype().name());
				generator.writeName("shape");
				generator.writeArray(source.shape(), 0, source.shape().length);
				generator.writeName("data_offsets");
				generator.writeArray(new long[] { offset, end }, 0, 2);
				generator.writeEndObject();
				offset = end;
			}
			generator.writeEndObject();
		}
		int padded = Math.ceilDiv(8 + json.size(), this.alignment) * this.alignment - 8;
		if (padded > SafetensorsHeaderReader.MAX_HEADER_BYTES) {
			throw new IOException("A safetensors header of " + padded + " bytes is over the format's limit of "
					+ SafetensorsHeaderReader.MAX_HEADER_BYTES);
		}
		ByteBuffer header = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
		header.putLong(padded).put(json.toByteArray());
		while (header.hasRemaining()) {
			header.put((byte) ' ');
		}
		return header.flip();
	}

	private static void writeAll(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
		while (bytes.hasRemaining()) {
			channel.write(bytes);
		}
	}

	/** Passes on at most the bytes that the header promised for a tensor. */
	private static final class BodyChannel implements WritableByteChannel {

		private final String name;

		private final FileChannel file;

		private long left;

		BodyChannel(String name, FileChannel file, long size) {
			this.name = name;
			this.file = file;
			this.left = size;
		}

		@Override
		public int write(ByteBuffer bytes) throws IOException {
			int count = bytes.remaining();
			if (count > this.left) {
				throw new IOException("The body of tensor " + this.name + " delivers " + (count - this.left)
						+ " bytes more than its shape needs");
			}
			writeAll(this.file, bytes);
			this.left -= count;
			return count;
		}

		void requireComplete() throws IOException {
			if (this.left != 0) {
				throw new IOException("The body of tensor " + this.name + " lacks " + this.left + " bytes");
			}
		}

		@Override
		public boolean isOpen() {
			return this.file.isOpen();
		}

		@Override
		public void close() {
			// The file belongs to the writer.
		}

	}

}
