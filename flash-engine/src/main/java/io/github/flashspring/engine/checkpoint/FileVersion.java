package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/**
 * What a path names at a moment: which file, its size and its times. Two versions of one
 * file that are equal have the same content, as far as the system tells. Immutable.
 *
 * @param key identity of the file (device and inode), null where the system has none
 * @param size bytes
 * @param modified when its content was last changed; programs can set it back
 * @param changed when content or attributes were last changed, which programs cannot set;
 * null where the system does not tell
 * @param attributes mode, owner, group and number of links, which explain a change of
 * that time without one of the content
 */
public record FileVersion(@Nullable Object key, long size, FileTime modified, @Nullable FileTime changed,
		List<Object> attributes) {

	private static final String ACTION = "Keep the files of a model as they are while it runs or is imported: write new "
			+ "ones next to them and rename them. Restore this file, or load the model again or repeat the import.";

	/**
	 * Asks the system.
	 * @param file a path
	 * @return what it names; null if it names nothing
	 * @throws IOException if the system does not answer
	 */
	public static @Nullable FileVersion of(Path file) throws IOException {
		try {
			if (file.getFileSystem().supportedFileAttributeViews().contains("unix")) {
				Map<String, Object> all = Files.readAttributes(file,
						"unix:fileKey,size,lastModifiedTime,ctime,mode,uid,gid,nlink");
				return new FileVersion(all.get("fileKey"), (long) get(all, "size"),
						(FileTime) get(all, "lastModifiedTime"), (FileTime) all.get("ctime"),
						List.of(get(all, "mode"), get(all, "uid"), get(all, "gid"), get(all, "nlink")));
			}
			BasicFileAttributes basic = Files.readAttributes(file, BasicFileAttributes.class);
			return new FileVersion(basic.fileKey(), basic.size(), basic.lastModifiedTime(), null, List.of());
		}
		catch (NoSuchFileException ex) {
			return null;
		}
	}

	private static Object get(Map<String, Object> attributes, String name) {
		return Objects.requireNonNull(attributes.get(name), name);
	}

	/**
	 * Refuses a file whose content changed under those who have it open. A path that
	 * names nothing any more, or another file, is no change: an open file stays what it
	 * was.
	 * @param file its path
	 * @param openSize size now of the file that is open
	 * @param now what the path names now, or null
	 * @param purpose what the file is needed for, such as "reading 4096 bytes at byte 0"
	 * @throws CheckpointException if it changed
	 */
	public void requireSame(Path file, long openSize, @Nullable FileVersion now, String purpose) {
		// The path was asked later than the open file, which may have been truncated
		// since.
		long size = (now != null && Objects.equals(this.key, now.key)) ? Math.min(openSize, now.size) : openSize;
		if (size < this.size) {
			throw new CheckpointException("The file " + file + " was truncated while in use: " + purpose
					+ ", expected a size of " + this.size + " bytes, found " + size + ".", ACTION);
		}
		if (openSize != this.size || (now != null && now.isChangeOf(this))) {
			throw new CheckpointException("The file " + file + " was changed while in use: " + purpose + ", expected "
					+ this + ", found " + ((now != null) ? now : openSize + " bytes") + ".", ACTION);
		}
	}

	/** Whether this is the same file as at an earlier moment, with other content. */
	private boolean isChangeOf(FileVersion earlier) {
		return Objects.equals(this.key, earlier.key) && (this.size != earlier.size
				|| !this.modified.equals(earlier.modified)
				|| (!Objects.equals(this.changed, earlier.changed) && this.attributes.equals(earlier.attributes)));
	}

	@Override
	public String toString() {
		return this.size + " bytes last modified " + this.modified
				+ ((this.changed != null) ? " (changed " + this.changed + ")" : "");
	}

}
