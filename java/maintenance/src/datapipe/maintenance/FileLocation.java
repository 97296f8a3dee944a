package datapipe.maintenance;

/** Compares locations of files that differ only in their schemes, as s3 and s3a do. */
final class FileLocation {
  private FileLocation() {}

  static String normalized(String location) {
    return location.replaceFirst("^s3[an]://", "s3://");
  }

  /** The location of a folder, which no other folder's begins with. */
  static String folder(String location) {
    String normalized = normalized(location);
    return normalized.endsWith("/") ? normalized : normalized + "/";
  }
}
