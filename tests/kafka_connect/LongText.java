import datapipe.connect.ExactJsonConverter;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;

/** Writes a text above the limit of Jackson's parser (20,000,000 characters) and reads it back. */
public class LongText {
  public static void main(String[] arguments) {
    ExactJsonConverter converter = new ExactJsonConverter();
    converter.configure(Map.of("schemas.enable", "true"), false);
    String text = "x".repeat(20_000_001);
    byte[] written = converter.fromConnectData("t", Schema.STRING_SCHEMA, text);
    System.out.println(text.equals(converter.toConnectData("t", written).value()));
  }
}
