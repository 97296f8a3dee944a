import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/** Prints whether readers of one column's Avro schema can read records of another. */
public class AvroRules {
  private static final Schema REQUIRED = column("\"int\"");
  private static final Schema NULLABLE = column("[\"null\",\"int\"],\"default\":null");

  public static void main(String[] arguments) {
    print("required, then nullable", NULLABLE, REQUIRED);
    print("nullable, then required", REQUIRED, NULLABLE);
  }

  private static Schema column(String type) {
    return new Schema.Parser().parse("{\"type\":\"record\",\"name\":\"Value\",\"fields\":"
        + "[{\"name\":\"id\",\"type\":" + type + "}]}");
  }

  private static void print(String order, Schema reader, Schema writer) {
    System.out.println(order + ": "
        + SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getType());
  }
}
